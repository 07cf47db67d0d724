// Our types can be named without their namespace: nothing that our headers include takes the names.

#include <weft/weft.hpp>

using weft::socketio::socket;

void compiles(const socket&);
