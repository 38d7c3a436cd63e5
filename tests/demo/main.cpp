// bulkhead-demo: the main job on real input, unattended. Each step checks its result; the exit status is 0 only if all
// held.
#include <cstdio>
#include <exception>
#include <filesystem>
#include <thread>
#include <vector>

#include "stage.hpp"

int main(int argc, char** argv) {
    // ThreadSanitizer starts a thread of its own beside the first one; then the count of threads is the program's.
    std::thread([] {}).join();
    try {
        return bulkhead::demo::run_demo(std::vector<std::filesystem::path>(argv + 1, argv + argc));
    } catch (const std::exception& error) {
        std::fprintf(stderr, "bulkhead-demo: %s\n", error.what());
        return 1;
    }
}
