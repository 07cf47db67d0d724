# weft_layer: one static library per layer, linking only what the table of layers allows.
# weft_test:  one GoogleTest program.
# weft_fuzz:  one fuzzer, or the program that runs its corpus.
# weft_bench: one Google Benchmark program.

add_library(weft_build_flags INTERFACE)
target_compile_features(weft_build_flags INTERFACE cxx_std_20)
target_include_directories(weft_build_flags INTERFACE
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/src>)
if(WEFT_WERROR)
    target_compile_options(weft_build_flags INTERFACE -Wall -Wextra -Wconversion -Wshadow
        -Wnon-virtual-dtor -Wold-style-cast -Werror)
endif()
if(WEFT_HARDEN)
    include(CheckCXXCompilerFlag)
    check_cxx_compiler_flag(-fcf-protection WEFT_HAS_CET)
    target_compile_definitions(weft_build_flags INTERFACE _GLIBCXX_ASSERTIONS)
    target_compile_options(weft_build_flags INTERFACE -fstack-protector-strong
        -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2
        $<$<BOOL:${WEFT_HAS_CET}>:-fcf-protection>)
    target_link_options(weft_build_flags INTERFACE -Wl,-z,relro,-z,now)
endif()
if(WEFT_FUZZ)
    target_compile_options(weft_build_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()
if(WEFT_SANITIZE)
    target_compile_options(weft_build_flags INTERFACE -fsanitize=${WEFT_SANITIZE}
        -fno-omit-frame-pointer -fno-sanitize-recover=undefined)
    target_link_options(weft_build_flags INTERFACE -fsanitize=${WEFT_SANITIZE})
    if(CMAKE_CXX_COMPILER_ID STREQUAL Clang)  # 14 cannot assemble coroutines with that check
        target_compile_options(weft_build_flags INTERFACE -fno-sanitize=function)
    endif()
endif()

# Unit tests and fuzzers: what is run under sanitizers. Not a part of `all`, so that nobody builds them twice unasked.
add_custom_target(weft_checked_tests)

# weft_layer(NAME SOURCES a.cpp ... USES lower_layer ... LINK_PRIVATE library ...)
function(weft_layer name)
    cmake_parse_arguments(arg "" "" "SOURCES;USES;LINK_PRIVATE" ${ARGN})
    add_library(weft_${name} STATIC ${arg_SOURCES})
    add_library(weft::${name} ALIAS weft_${name})
    set_target_properties(weft_${name} PROPERTIES EXPORT_NAME ${name} POSITION_INDEPENDENT_CODE ON)
    target_compile_features(weft_${name} PUBLIC cxx_std_20)
    target_include_directories(weft_${name} PUBLIC
        $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>
        $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
    foreach(layer IN LISTS arg_USES)
        target_link_libraries(weft_${name} PUBLIC weft::${layer})
    endforeach()
    target_link_libraries(weft_${name} PRIVATE $<BUILD_INTERFACE:weft_build_flags> ${arg_LINK_PRIVATE})
    if(CMAKE_INTERPROCEDURAL_OPTIMIZATION AND CMAKE_CXX_COMPILER_ID STREQUAL GNU)
        target_compile_options(weft_${name} PRIVATE -ffat-lto-objects)  # what is installed is without: weft_strip_lto.cmake
    endif()
    set_property(GLOBAL APPEND PROPERTY WEFT_LAYERS weft_${name})
endfunction()

# weft_test(NAME SOURCES a_test.cpp ... USES layer ... [UNCHECKED]): a program of tests, found by CTest one by one. UNCHECKED:
# a sanitizer would be in its way, such as where it counts allocations.
function(weft_test name)
    cmake_parse_arguments(arg "UNCHECKED" "" "SOURCES;USES;LINK_PRIVATE" ${ARGN})
    if(arg_UNCHECKED AND WEFT_SANITIZE)
        return()
    endif()
    add_executable(${name} ${arg_SOURCES})
    foreach(layer IN LISTS arg_USES)
        target_link_libraries(${name} PRIVATE weft::${layer})
    endforeach()
    target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR}/tests)
    target_link_libraries(${name} PRIVATE weft_build_flags ${arg_LINK_PRIVATE} GTest::gtest_main GTest::gmock)
    target_precompile_headers(${name} REUSE_FROM weft_test_headers)
    if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)
        # 12 forgets which precompiled headers are the system's, and finds fault with them; and at -O1 with what an empty
        # optional would copy.
        target_compile_options(${name} PRIVATE -Wno-array-bounds -Wno-stringop-overflow -Wno-maybe-uninitialized)
    endif()
    if(arg_UNCHECKED)
        set(label unchecked)
    else()
        set(label unit)
        set_target_properties(${name} PROPERTIES EXCLUDE_FROM_ALL ON)
        add_dependencies(weft_checked_tests ${name})
    endif()
    gtest_discover_tests(${name} DISCOVERY_MODE PRE_TEST PROPERTIES TIMEOUT 300 LABELS ${label})
endfunction()

# weft_fuzz(x_fuzz [SOURCES x_fuzz.cpp] USES layer ...): the source defines LLVMFuzzerTestOneInput. With
# WEFT_FUZZ (clang) it becomes a libFuzzer program; otherwise a test that runs fuzz/corpus/x_fuzz/ once.
function(weft_fuzz name)
    cmake_parse_arguments(arg "" "" "SOURCES;USES;LINK_PRIVATE" ${ARGN})
    if(NOT arg_SOURCES)
        set(arg_SOURCES ${name}.cpp)
    endif()
    add_executable(${name} ${arg_SOURCES})
    foreach(layer IN LISTS arg_USES)
        target_link_libraries(${name} PRIVATE weft::${layer})
    endforeach()
    target_link_libraries(${name} PRIVATE weft_build_flags ${arg_LINK_PRIVATE})
    if(WEFT_FUZZ)
        target_link_options(${name} PRIVATE -fsanitize=fuzzer)
    else()
        target_sources(${name} PRIVATE ${PROJECT_SOURCE_DIR}/fuzz/run_corpus.cpp)
        add_test(NAME fuzz.${name} COMMAND ${name} ${PROJECT_SOURCE_DIR}/fuzz/corpus/${name})
        set_tests_properties(fuzz.${name} PROPERTIES TIMEOUT 300 LABELS fuzz)
    endif()
    set_target_properties(${name} PROPERTIES EXCLUDE_FROM_ALL ON)
    add_dependencies(weft_checked_tests ${name})
    add_dependencies(weft_fuzzers ${name})
endfunction()

# weft_bench(x_bench [SOURCES x_bench.cpp] USES layer ...): a program of micro benchmarks.
function(weft_bench name)
    cmake_parse_arguments(arg "" "" "SOURCES;USES;LINK_PRIVATE" ${ARGN})
    if(NOT arg_SOURCES)
        set(arg_SOURCES ${name}.cpp)
    endif()
    add_executable(${name} ${arg_SOURCES})
    foreach(layer IN LISTS arg_USES)
        target_link_libraries(${name} PRIVATE weft::${layer})
    endforeach()
    target_link_libraries(${name} PRIVATE weft_build_flags ${arg_LINK_PRIVATE} benchmark::benchmark_main)
endfunction()
