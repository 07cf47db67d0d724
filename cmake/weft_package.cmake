# Debian packages by CPack: `weft`, the program as a service, and `libweft-dev`. What only a package has belongs to the
# component `service`, which `cmake --install` leaves out.

set(weft_pages ${PROJECT_BINARY_DIR}/pages)
set(weft_page_files ${weft_pages}/weft.1.gz ${weft_pages}/weft.bash ${weft_pages}/_weft ${weft_pages}/weft.fish)
find_program(WEFT_GZIP gzip REQUIRED)
add_custom_command(OUTPUT ${weft_page_files}
    COMMAND ${CMAKE_COMMAND} -E make_directory ${weft_pages}
    COMMAND weft man > ${weft_pages}/weft.1
    COMMAND ${WEFT_GZIP} -9 -n -f ${weft_pages}/weft.1
    COMMAND weft completion bash > ${weft_pages}/weft.bash
    COMMAND weft completion zsh > ${weft_pages}/_weft
    COMMAND weft completion fish > ${weft_pages}/weft.fish
    DEPENDS weft
    COMMENT "Writing the manual page and completions")
add_custom_target(weft_pages ALL DEPENDS ${weft_page_files})

install(FILES ${weft_pages}/weft.1.gz DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 COMPONENT program)
install(FILES ${weft_pages}/weft.bash DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME weft COMPONENT program)
install(FILES ${weft_pages}/_weft DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/vendor-completions COMPONENT program)
install(FILES ${weft_pages}/weft.fish DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d COMPONENT program)

set(service COMPONENT service EXCLUDE_FROM_ALL)
install(FILES packaging/systemd/weft.service packaging/systemd/weft.socket DESTINATION lib/systemd/system ${service})
install(FILES packaging/weft.toml DESTINATION /etc/weft ${service})
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/weft RENAME copyright ${service})
install(DIRECTORY packaging/proxies packaging/kubernetes DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/weft/examples ${service})
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/libweft-dev RENAME copyright
    COMPONENT development_notes EXCLUDE_FROM_ALL)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_CONTACT "Weft maintainers <maintainers@weft.invalid>")
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_COMPONENTS_ALL program service development development_notes)
set(CPACK_COMPONENT_PROGRAM_GROUP program)
set(CPACK_COMPONENT_SERVICE_GROUP program)
set(CPACK_COMPONENT_DEVELOPMENT_GROUP development)
set(CPACK_COMPONENT_DEVELOPMENT_NOTES_GROUP development)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PROGRAM_PACKAGE_NAME weft)
set(CPACK_DEBIAN_PROGRAM_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PROGRAM_DESCRIPTION "real-time server: WebSocket, Socket.IO and HTTP on one port")
set(CPACK_DEBIAN_PROGRAM_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PROGRAM_PACKAGE_DEPENDS passwd)
file(WRITE ${PROJECT_BINARY_DIR}/packaging/conffiles "/etc/weft/weft.toml\n")
set(CPACK_DEBIAN_PROGRAM_PACKAGE_CONTROL_EXTRA ${PROJECT_SOURCE_DIR}/packaging/debian/postinst
    ${PROJECT_SOURCE_DIR}/packaging/debian/prerm ${PROJECT_SOURCE_DIR}/packaging/debian/postrm
    ${PROJECT_BINARY_DIR}/packaging/conffiles)
set(CPACK_DEBIAN_PROGRAM_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_NAME libweft-dev)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_DEVELOPMENT_DESCRIPTION "library for real-time servers in C++20: WebSocket, Socket.IO and HTTP")
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_DEPENDS "libssl-dev, zlib1g-dev, libsimdjson-dev, libre2-dev")
include(CPack)
