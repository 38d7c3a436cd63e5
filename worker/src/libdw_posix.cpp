#include <dlfcn.h>

#include "libdw.hpp"

namespace bulkhead::worker {
namespace {

template <typename Function>
bool find(void* library, const char* name, Function& function) noexcept {
    function = reinterpret_cast<Function>(::dlsym(library, name));
    return function != nullptr;
}

}  // namespace

const Libdw* load_libdw() noexcept {
    static Libdw dw;
    void* library = ::dlopen("libdw.so.1", RTLD_NOW | RTLD_LOCAL);
    const auto get = [library](const char* name, auto& function) { return find(library, name, function); };
    const bool complete =
        library != nullptr && get("elf_version", dw.elf_version) && get("elf_memory", dw.elf_memory) &&
        get("elf_getphdrnum", dw.elf_getphdrnum) && get("gelf_getphdr", dw.gelf_getphdr) &&
        get("dwelf_elf_gnu_build_id", dw.build_id) && get("dwfl_begin", dw.begin) &&
        get("dwfl_report_begin", dw.report_begin) && get("dwfl_report_module", dw.report_module) &&
        get("dwfl_report_end", dw.report_end) && get("dwfl_attach_state", dw.attach_state) &&
        get("dwfl_getthread_frames", dw.getthread_frames) &&
        get("dwfl_thread_state_registers", dw.thread_state_registers) && get("dwfl_frame_pc", dw.frame_pc) &&
        get("dwfl_addrmodule", dw.addrmodule) && get("dwfl_module_getelf", dw.module_getelf) &&
        get("dwfl_module_addrinfo", dw.module_addrinfo) && get("dwfl_module_addrdie", dw.module_addrdie) &&
        get("dwfl_module_getsrc", dw.module_getsrc) && get("dwfl_lineinfo", dw.lineinfo) &&
        get("dwfl_line_comp_dir", dw.line_comp_dir) && get("dwarf_getscopes", dw.getscopes) &&
        get("dwarf_getscopes_die", dw.getscopes_die) && get("dwarf_tag", dw.tag) && get("dwarf_diename", dw.diename) &&
        get("dwarf_attr", dw.attr) && get("dwarf_attr_integrate", dw.attr_integrate) &&
        get("dwarf_formstring", dw.formstring) && get("dwarf_formudata", dw.formudata) &&
        get("dwarf_getsrcfiles", dw.getsrcfiles) && get("dwarf_filesrc", dw.filesrc);
    return complete && dw.elf_version(EV_CURRENT) != EV_NONE ? &dw : nullptr;
}

}  // namespace bulkhead::worker
