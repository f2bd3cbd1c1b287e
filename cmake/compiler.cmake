# How every file is compiled: the language, the warnings, the sanitizers, the hardening.
include(CheckCCompilerFlag)
include(CheckLinkerFlag)

set(CMAKE_C_STANDARD 17)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

option(CF_WERROR "warnings are errors" ON)
option(CF_COVERAGE "instrument for gcov" OFF)
option(CF_FUZZ "build the libFuzzer targets (needs clang)" OFF)
set(CF_SANITIZE "" CACHE STRING "sanitizers, as for -fsanitize= (address,undefined or thread)")

find_program(CCACHE ccache)
if(CCACHE)
    set(CMAKE_C_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_NOHASHDIR=1
        CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} ${CCACHE})
endif()

# cf_flag(FLAG): adds FLAG to every compilation if the compiler knows it.
function(cf_flag flag)
    string(MAKE_C_IDENTIFIER "HAVE${flag}" have)
    check_c_compiler_flag("${flag}" ${have})
    if(${have})
        add_compile_options("${flag}")
    endif()
endfunction()

add_compile_definitions(_GNU_SOURCE)
add_compile_options(-Wall -Wextra -Wformat=2 -Wshadow -Wvla -Wundef -Wstrict-prototypes
    -Wmissing-prototypes -Wconversion -Wno-sign-conversion -Wimplicit-fallthrough -Wcast-qual
    -Wdate-time -Werror=format-security -Werror=implicit -Werror=incompatible-pointer-types
    -Werror=int-conversion -Wno-missing-field-initializers -fno-strict-aliasing -fno-omit-frame-pointer)
foreach(flag -Wduplicated-cond -Wduplicated-branches -Wlogical-op -Wtrampolines -Wjump-misses-init)
    cf_flag(${flag})
endforeach()
if(CF_WERROR)
    add_compile_options(-Werror)
endif()

if(CF_SANITIZE)
    add_compile_options(-fsanitize=${CF_SANITIZE} -fno-sanitize-recover=all)
    add_link_options(-fsanitize=${CF_SANITIZE})
    # A tree of tests links two hundred programs anew with each change; gold takes half of ld's time for each.
    check_linker_flag(C -fuse-ld=gold HAVE_GOLD)
    if(HAVE_GOLD)
        add_link_options(-fuse-ld=gold)
    endif()
endif()
if(CF_FUZZ)
    add_compile_options(-fsanitize=fuzzer-no-link) # the rooms, too: the fuzzer steers by their branches
endif()
if(CF_COVERAGE)
    add_compile_options(--coverage)
    add_link_options(--coverage)
endif()

# The hardening of the OpenSSF compiler guide, for builds that people run.
if(CMAKE_BUILD_TYPE STREQUAL "Release" OR CMAKE_BUILD_TYPE STREQUAL "RelWithDebInfo")
    add_compile_options(-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3 -fstack-clash-protection
        -fstack-protector-strong -fno-delete-null-pointer-checks -fno-strict-overflow -fexceptions
        -ffile-prefix-map=${CMAKE_SOURCE_DIR}=.)
    foreach(flag -fcf-protection=full -fstrict-flex-arrays=3 -ftrivial-auto-var-init=zero)
        cf_flag(${flag})
    endforeach()
    add_link_options(-pie -Wl,-z,relro,-z,now,-z,noexecstack,--as-needed)
    # Assertions stay on in what people run: cf_assert never depends on NDEBUG.
endif()
