// A server as somebody else writes it, with the installed package.
//   server FOLDER                     looks at everything that crosses the border of the library, with `talker`
//   server --call FOLDER METHOD TEXT  prints the reply
#include <cstdio>
#include <exception>
#include <span>
#include <string_view>

#include "border.hpp"

namespace {

void look_at_everything(const char* folder) {
    auto host = bulkhead::Host::create().value();
    const auto talker = host.load(folder).value();
    check_exceptions(talker);
    check_json(talker);
    check_completion_tokens(talker);
    check_cancellation(talker);
    check_reports(talker);
    std::puts("everything comes across");
}

void call(std::span<char*> arguments) {
    auto host = bulkhead::Host::create().value();
    const auto plugin = host.load(arguments[0]).value();
    const auto reply = plugin.call(arguments[1], arguments[2]).value();
    std::printf("%.*s\n", static_cast<int>(reply.size()), reply.text().data());
}

}  // namespace

int main(int argc, char** argv) {
    const std::span arguments(argv, static_cast<std::size_t>(argc));
    try {
        if (argc == 5 && arguments[1] == std::string_view("--call")) {
            call(arguments.subspan(2));
        } else if (argc == 2) {
            look_at_everything(arguments[1]);
        } else {
            std::fputs("usage: server FOLDER | server --call FOLDER METHOD TEXT\n", stderr);
            return 2;
        }
        return 0;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "server: %s\n", error.what());
        return 1;
    }
}
