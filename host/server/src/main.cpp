// resize-server: the image plugin behind HTTP. See --help.
#include <bulkhead/host/host.hpp>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <string>
#include <vector>

#include "options.hpp"
#include "routes.hpp"
#include "server.hpp"

namespace {

using namespace bulkhead;
using namespace bulkhead::server;

// On the host's callback thread; one write each, so that lines stay whole.
void print_line(const LogLine& line) { std::cerr << line.plugin + ": " + line.text + "\n"; }
void print_report(const Report& report) { std::cerr << report.text(); }

int serve(const Options& options) {
    HostOptions host_options;
    host_options.worker = options.worker;
    host_options.log = print_line;
    host_options.on_death = print_report;
    Host host = Host::create(std::move(host_options)).value();
    const Plugin plugin = host.load(locate_plugin(options)).value();

    boost::asio::io_context context(1);
    ImageJobs jobs(context.get_executor(), plugin, options.limits);
    Routes routes(jobs, options.debug);
    server::Server server(context, options, routes);
    server.start();
    std::cout << "serving on http://" << options.address << ":" << server.port() << std::endl;
    context.run();
    return EXIT_SUCCESS;
}

}  // namespace

int main(int count, char** arguments) {
    try {
        const Options options = parse_options({arguments + 1, arguments + count});
        if (options.help) {
            std::cout << usage();
            return EXIT_SUCCESS;
        }
        return serve(options);
    } catch (const BadUsage& error) {
        std::cerr << "resize-server: " << error.what() << "\n";
        return 2;
    } catch (const std::exception& error) {
        std::cerr << "resize-server: " << error.what() << "\n";
        return EXIT_FAILURE;
    }
}
