# pkg_config.sh COMPILER OUTPUT: builds and runs the consumer with what pkg-config says and nothing else.
"$1" -std=c++20 "$(dirname "$0")/consumer/main.cpp" $(pkg-config --cflags --libs weft) -o "$2"
"$2"
