# The header weft_commit.hpp, with the commit that is built. Written anew when that is another one.
#
# The same file is the script that writes it: cmake -DSOURCE=... -DOUT=... -DCOMMIT=... -P weft_commit.cmake

if(NOT CMAKE_SCRIPT_MODE_FILE)
    set(WEFT_COMMIT "" CACHE STRING "The commit that is built, for sources without .git")
    set(weft_commit_header ${CMAKE_CURRENT_BINARY_DIR}/commit/weft_commit.hpp)
    add_custom_target(weft_commit BYPRODUCTS ${weft_commit_header}
        COMMAND ${CMAKE_COMMAND} -DSOURCE=${PROJECT_SOURCE_DIR} -DOUT=${weft_commit_header} -DCOMMIT=${WEFT_COMMIT}
            -P ${CMAKE_CURRENT_LIST_FILE}
        VERBATIM)
    return()
endif()

cmake_minimum_required(VERSION 3.25)
if(NOT COMMIT AND EXISTS ${SOURCE}/.git)
    execute_process(COMMAND git -C ${SOURCE} rev-parse --short=12 HEAD OUTPUT_VARIABLE COMMIT OUTPUT_STRIP_TRAILING_WHITESPACE
        ERROR_QUIET)
endif()
if(NOT COMMIT)
    set(COMMIT unknown)
endif()
file(CONFIGURE OUTPUT ${OUT} CONTENT "#pragma once\n\n#define WEFT_COMMIT \"${COMMIT}\"\n" @ONLY)
