# What `cmake --install` puts where: libraries, headers, the program, weftConfig.cmake and weft.pc.

include(CMakePackageConfigHelpers)
get_property(weft_layers GLOBAL PROPERTY WEFT_LAYERS)
set(weft_cmake_dir ${CMAKE_INSTALL_LIBDIR}/cmake/weft)

set(CMAKE_INSTALL_DEFAULT_COMPONENT_NAME development)
install(TARGETS weft_all ${weft_layers} EXPORT weft)
install(EXPORT weft NAMESPACE weft:: DESTINATION ${weft_cmake_dir} FILE weftTargets.cmake)
if(CMAKE_INTERPROCEDURAL_OPTIMIZATION AND CMAKE_CXX_COMPILER_ID STREQUAL GNU)
    foreach(layer IN LISTS weft_layers)
        list(APPEND weft_archives "\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_LIBDIR}/$<TARGET_FILE_NAME:${layer}>")
    endforeach()
    install(CODE "execute_process(COMMAND \"${CMAKE_COMMAND}\" \"-DOBJCOPY=${CMAKE_OBJCOPY}\" \"-DARCHIVES=${weft_archives}\"
        -P \"${CMAKE_CURRENT_LIST_DIR}/weft_strip_lto.cmake\" COMMAND_ERROR_IS_FATAL ANY)")
endif()
install(DIRECTORY include/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN *.hpp)
if(TARGET weft)
    install(TARGETS weft COMPONENT program)
    include(weft_package)
endif()

configure_package_config_file(cmake/weftConfig.cmake.in weftConfig.cmake INSTALL_DESTINATION ${weft_cmake_dir})
write_basic_package_version_file(weftConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/weftConfig.cmake ${PROJECT_BINARY_DIR}/weftConfigVersion.cmake
        $<$<BOOL:${WEFT_RE2}>:${PROJECT_SOURCE_DIR}/cmake/Findre2.cmake>
    DESTINATION ${weft_cmake_dir})

# Static archives: the linker reads each once, so a layer stands before the layers it uses.
list(REVERSE weft_layers)
list(TRANSFORM weft_layers PREPEND -l)
list(JOIN weft_layers " " weft_pc_libs)
file(RELATIVE_PATH weft_pc_prefix ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig ${CMAKE_INSTALL_PREFIX})
if(WEFT_RE2)
    set(weft_pc_re2 ", re2")
endif()
configure_file(cmake/weft.pc.in weft.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/weft.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
