# Compiles CASE twice, without and with WEFT_SHOULD_FAIL, and judges both outcomes (see CMakeLists.txt).

file(STRINGS ${CASE} expected REGEX "^// error: ")
list(LENGTH expected count)
if(NOT count EQUAL 1)
    message(FATAL_ERROR "${CASE} needs exactly one line `// error: <regular expression>`, it has ${count}")
endif()
string(REGEX REPLACE "^// error: " "" expected "${expected}")

set(command ${COMPILER} -std=c++20 -fsyntax-only -I${ROOT}/include -I${ROOT}/src ${CASE})

execute_process(COMMAND ${command} RESULT_VARIABLE status ERROR_VARIABLE errors)
if(NOT status EQUAL 0)
    message(FATAL_ERROR "the allowed half of ${CASE} does not compile:\n${errors}")
endif()

set(ENV{LC_ALL} C)
execute_process(COMMAND ${command} -DWEFT_SHOULD_FAIL RESULT_VARIABLE status ERROR_VARIABLE errors)
if(status EQUAL 0)
    message(FATAL_ERROR "${CASE} compiles with WEFT_SHOULD_FAIL, and must not")
endif()
if(NOT errors MATCHES "error: [^\n]*${expected}")
    message(FATAL_ERROR "${CASE} fails for another reason than `${expected}`:\n${errors}")
endif()
