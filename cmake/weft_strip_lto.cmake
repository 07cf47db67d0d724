# cmake -DOBJCOPY=... -DARCHIVES=a.a;b.a -P weft_strip_lto.cmake: takes the compiler's intermediate code out of installed archives.
#
# The release compiles each object twice over in one file, machine code and intermediate code (-ffat-lto-objects). Our program is linked from
# the second. A user gets the first alone: with both, g++ would optimise all of Weft again each time his program is linked.
foreach(archive IN LISTS ARCHIVES)
    execute_process(COMMAND ${OBJCOPY} --remove-section=.gnu.lto_* --remove-section=.gnu.debuglto_* ${archive}
        COMMAND_ERROR_IS_FATAL ANY)
endforeach()
