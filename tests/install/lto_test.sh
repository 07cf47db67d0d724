# lto_test.sh CMAKE CXX OBJCOPY STRIP_SCRIPT FOLDER: an archive as a release makes it holds intermediate code, and after the script that
# installing runs none of it; a program still links with it.
set -e
cmake=$1 cxx=$2 objcopy=$3 script=$4 folder=$5
rm -rf "$folder" && mkdir -p "$folder" && cd "$folder"
echo 'int answer() { return 42; }' >library.cpp
echo 'int answer(); int main() { return answer() - 42; }' >program.cpp
"$cxx" -O2 -flto -ffat-lto-objects -c library.cpp -o library.o
ar cr library.a library.o
lto_sections() { objdump -h library.a | grep -c '\.gnu\.lto_' || true; }
[ "$(lto_sections)" -gt 0 ] || { echo "the archive held no intermediate code to begin with" && exit 1; }
"$cmake" "-DOBJCOPY=$objcopy" "-DARCHIVES=$PWD/library.a" -P "$script"
[ "$(lto_sections)" -eq 0 ] || { echo "the archive holds intermediate code" && exit 1; }
"$cxx" program.cpp library.a -o program
./program
