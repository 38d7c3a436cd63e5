#include <chrono>
#include <string>

#include "common/wording.hpp"
#include "sample_file.hpp"
#include "stage.hpp"

namespace bulkhead::demo {

int run_demo(std::vector<std::filesystem::path> files) {
    if (files.empty()) {
        files.push_back(find_large_file());
    }
    Stage stage;
    stage.before = Surroundings::look();
    stage.screen.title("Bulkhead: native plugins in processes of their own");
    const auto begin = std::chrono::steady_clock::now();

    if (load_plugins(stage)) {
        for (const auto& file : files) {
            checksum_file(stage, file);
        }
        greet(stage);
        calculate_side_by_side(stage);
        if constexpr (kHasImageServer) {
            serve_a_photograph(stage);
        } else {
            stage.screen.line(
                "no photograph is served: this build has no server for it (libjpeg and libpng, or "
                "BULKHEAD_BUILD_PROGRAMS)");
        }
        crash_again_and_again(stage);
        end_a_crash_loop(stage);
    }
    leave_nothing_behind(stage);

    const Screen& screen = stage.screen;
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    const std::string held =
        std::to_string(screen.checks() - screen.failures()) + " of " + std::to_string(screen.checks()) + " checks held";
    screen.title("\n" + held + ", in " + fixed(seconds, 1) + " s");
    return screen.failures() == 0 ? 0 : 1;
}

}  // namespace bulkhead::demo
