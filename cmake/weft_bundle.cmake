# weft_bundle(NAME ENTRY x.js PACKAGES folder): one JavaScript module out of a file and the npm packages that it imports,
# made at build time by the esbuild among them.
#
# Sets NAME to the bundle's path in the build folder, to be given to weft_embed; empty when the packages are not
# installed (./dev setup brings them).

function(weft_bundle name)
    cmake_parse_arguments(arg "" "ENTRY;PACKAGES" "" ${ARGN})
    set(${name} "" PARENT_SCOPE)
    find_program(WEFT_NODE NAMES node nodejs)
    mark_as_advanced(WEFT_NODE)
    set(modules ${arg_PACKAGES}/node_modules)
    if(NOT WEFT_NODE OR NOT EXISTS ${modules}/esbuild/bin/esbuild)
        return()
    endif()
    get_filename_component(file ${arg_ENTRY} NAME)
    set(out ${CMAKE_CURRENT_BINARY_DIR}/bundle/${file})
    add_custom_command(
        OUTPUT ${out}
        COMMAND ${CMAKE_COMMAND} -E env NODE_PATH=${modules} ${WEFT_NODE} ${modules}/esbuild/bin/esbuild
            ${arg_ENTRY} --bundle --format=esm --minify --target=es2022 --charset=utf8 --log-level=warning --outfile=${out}
        DEPENDS ${arg_ENTRY} ${arg_PACKAGES}/package-lock.json
        COMMENT "Bundling ${file}"
        VERBATIM)
    set(${name} ${out} PARENT_SCOPE)
endfunction()
