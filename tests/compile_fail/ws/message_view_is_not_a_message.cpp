// A view dies with the handler's call. Keeping it is a copy, and a copy is asked for by name.
// error: conversion from|could not convert|no viable conversion

#include <weft/pubsub/message.hpp>

struct history {
    weft::message last;
    void on_message(weft::message_view what) {
#ifdef WEFT_SHOULD_FAIL
        const weft::message kept = what;
        last = kept;
#else
        last = weft::message(what);
#endif
    }
};
