// Makes a broken library of a sound one, at build time:
//   spoil_library machine <in> <out>  for another processor
//   spoil_library half <in> <out>     the first half
#include <elf.h>

#include <cstddef>
#include <cstring>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>

namespace {

void change_machine(std::string& library) {
    Elf64_Half machine = 0;
    char* place = library.data() + offsetof(Elf64_Ehdr, e_machine);
    std::memcpy(&machine, place, sizeof(machine));
    machine = machine == EM_AARCH64 ? EM_X86_64 : EM_AARCH64;
    std::memcpy(place, &machine, sizeof(machine));
}

}  // namespace

int main(int count, char** arguments) {
    if (count != 4) {
        std::cerr << "usage: spoil_library machine|half <in> <out>\n";
        return 2;
    }
    const std::string how = arguments[1];
    std::ifstream in(arguments[2], std::ios::binary);
    std::string library(std::istreambuf_iterator<char>(in), {});
    if (library.size() < sizeof(Elf64_Ehdr)) {
        std::cerr << "spoil_library: " << arguments[2] << " cannot be read or is no library\n";
        return 1;
    }
    if (how == "machine") {
        change_machine(library);
    } else {
        library.resize(library.size() / 2);
    }
    std::ofstream out(arguments[3], std::ios::binary | std::ios::trunc);
    out << library << std::flush;
    return out ? 0 : 1;
}
