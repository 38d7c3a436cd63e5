// libFuzzer target: whatever the bytes, reading a library ends, stays within them, and gives valid JSON.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <span>

#include "elf_library.hpp"
#include "inspection_text.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static bulkhead::worker::InspectionText answer;
    answer.write(bulkhead::worker::read_elf_library(std::as_bytes(std::span(data, size))));
    if (!nlohmann::json::accept(answer.text())) {
        std::abort();
    }
    return 0;
}
