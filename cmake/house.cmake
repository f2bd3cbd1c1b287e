# Rooms and floors. A room is a folder and one static library; it may be linked only with rooms below it.
#
#   cf_room(NAME [DEPS cf_base ...] [LIBS PkgConfig::X ...])
#
# makes the library cf_<NAME> from every *.c of the calling folder, and beside it `link_<NAME>`: the same
# objects, whole, linked with their declared dependencies only. A call into an upper floor leaves an
# undefined symbol there, so it fails the build.

set(CF_LINK_CHECK_MAIN ${CMAKE_SOURCE_DIR}/cmake/link_check_main.c)

function(cf_room name)
    cmake_parse_arguments(ROOM "" "" "DEPS;LIBS;EXCLUDE" ${ARGN})
    file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.c)
    foreach(pattern IN LISTS ROOM_EXCLUDE)
        list(FILTER sources EXCLUDE REGEX "${pattern}")
    endforeach()
    if(NOT sources)
        message(STATUS "room ${name} has no sources yet")
        return()
    endif()
    add_library(cf_${name} STATIC ${sources})
    target_include_directories(cf_${name} PUBLIC ${CMAKE_SOURCE_DIR})
    target_link_libraries(cf_${name} PUBLIC ${ROOM_DEPS} ${ROOM_LIBS} Threads::Threads m)

    add_executable(link_${name} ${CF_LINK_CHECK_MAIN})
    target_link_libraries(link_${name} PRIVATE -Wl,--whole-archive $<TARGET_FILE:cf_${name}>
        -Wl,--no-whole-archive ${ROOM_DEPS} ${ROOM_LIBS} Threads::Threads m)
    add_dependencies(link_${name} cf_${name})
endfunction()

# cf_add_room_folder(DIR): add_subdirectory once the room exists.
function(cf_add_room_folder dir)
    if(EXISTS ${CMAKE_SOURCE_DIR}/${dir}/CMakeLists.txt)
        add_subdirectory(${dir})
    endif()
endfunction()

# cf_embed(TARGET SYMBOL FILE...): each FILE's bytes as `const struct cf_embedded SYMBOL[]`, ended by a row
# without a name (base/embed.h), in the order given.
function(cf_embed target symbol)
    if(NOT TARGET ${target})
        return()
    endif()
    set(out ${CMAKE_CURRENT_BINARY_DIR}/${symbol}.c)
    add_custom_command(OUTPUT ${out}
        COMMAND ${CMAKE_COMMAND} -DOUT=${out} -DSYMBOL=${symbol} "-DFILES=${ARGN}"
                -P ${CMAKE_SOURCE_DIR}/cmake/embed.cmake
        DEPENDS ${ARGN} ${CMAKE_SOURCE_DIR}/cmake/embed.cmake VERBATIM)
    target_sources(${target} PRIVATE ${out})
endfunction()
