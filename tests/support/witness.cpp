#include "support/witness.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <utility>

#include "support/until.hpp"

namespace bulkhead::tests {

Witness::Witness(const nlohmann::json& changes, HostOptions options)
    : service_("witness", merged({{"config", {{"journal", (scratch_.path() / "journal").string()}}}}, changes),
               std::move(options)) {}

std::vector<std::string> Witness::journal() const {
    std::ifstream file(scratch_.path() / "journal");
    std::vector<std::string> lines;
    for (std::string line; std::getline(file, line);) {
        lines.push_back(line);
    }
    return lines;
}

std::string Witness::make_gate() {
    const std::string path = (scratch_.path() / ("gate" + std::to_string(++gates_))).string();
    REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
    return path;
}

Held::Held(Witness& witness) {
    const std::string path = witness.make_gate();
    caller_ = std::thread([this, path, plugin = witness.plugin()] {
        CallOptions options;
        options.timeout = kPatience;
        outcome_ = summary(plugin.call("hold", path, options));
    });
    // Nobody can open it for writing before the call has opened it for reading.
    const bool begun = eventually([&] {
        gate_ = ::open(path.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC);
        return gate_ >= 0;
    });
    CHECK(begun);
}

Held::~Held() {
    let_go();
    if (caller_.joinable()) {
        caller_.join();
    }
}

void Held::let_go() {
    if (gate_ >= 0) {
        ::close(gate_);
        gate_ = -1;
    }
}

std::string Held::outcome() {
    caller_.join();
    return outcome_;
}

}  // namespace bulkhead::tests
