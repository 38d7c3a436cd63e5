// libdw, when it is there.
#pragma once

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <elfutils/libdwelf.h>
#include <elfutils/libdwfl.h>
#include <gelf.h>

namespace bulkhead::worker {

// The functions that are used. Not linked: it would come with five libraries into each worker, in front of the plugins'
// own, and only explainers need it.
struct Libdw {
    decltype(&::elf_version) elf_version;
    decltype(&::elf_memory) elf_memory;
    decltype(&::elf_getphdrnum) elf_getphdrnum;
    decltype(&::gelf_getphdr) gelf_getphdr;
    decltype(&::dwelf_elf_gnu_build_id) build_id;
    decltype(&::dwfl_begin) begin;
    decltype(&::dwfl_report_begin) report_begin;
    decltype(&::dwfl_report_module) report_module;
    decltype(&::dwfl_report_end) report_end;
    decltype(&::dwfl_attach_state) attach_state;
    decltype(&::dwfl_getthread_frames) getthread_frames;
    decltype(&::dwfl_thread_state_registers) thread_state_registers;
    decltype(&::dwfl_frame_pc) frame_pc;
    decltype(&::dwfl_addrmodule) addrmodule;
    decltype(&::dwfl_module_getelf) module_getelf;
    decltype(&::dwfl_module_addrinfo) module_addrinfo;
    decltype(&::dwfl_module_addrdie) module_addrdie;
    decltype(&::dwfl_module_getsrc) module_getsrc;
    decltype(&::dwfl_lineinfo) lineinfo;
    decltype(&::dwfl_line_comp_dir) line_comp_dir;
    decltype(&::dwarf_getscopes) getscopes;
    decltype(&::dwarf_getscopes_die) getscopes_die;
    decltype(&::dwarf_tag) tag;
    decltype(&::dwarf_diename) diename;
    decltype(&::dwarf_attr) attr;
    decltype(&::dwarf_attr_integrate) attr_integrate;
    decltype(&::dwarf_formstring) formstring;
    decltype(&::dwarf_formudata) formudata;
    decltype(&::dwarf_getsrcfiles) getsrcfiles;
    decltype(&::dwarf_filesrc) filesrc;
};

// Null: this system has none, or an older one. Opens files.
const Libdw* load_libdw() noexcept;

}  // namespace bulkhead::worker
