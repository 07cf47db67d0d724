// An id is made by the loop or from a whole stored value, never by accident from an integer.
// error: conversion from|could not convert|cannot convert|no match

#include <weft/net/conn_id.hpp>

bool same(weft::conn_id id, std::uint64_t stored) {
    const weft::conn_id restored = weft::conn_id::from_value(stored);
#ifdef WEFT_SHOULD_FAIL
    const weft::conn_id guessed = stored;
    return guessed == id;
#else
    return restored == id;
#endif
}
