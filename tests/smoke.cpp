#include <bulkhead/host/host.hpp>
#include <iostream>
int main(int argc, char** argv) {
    bulkhead::HostOptions o; o.worker = argv[1];
    o.log = [](const bulkhead::LogLine& l) { std::cerr << l.plugin << ": " << l.text << "\n"; };
    auto host = bulkhead::Host::create(std::move(o));
    if (!host) { std::cerr << host.error().message << "\n"; return 1; }
    auto p = host->load(argv[2]);
    if (!p) { std::cerr << p.error().message << "\n"; return 1; }
    for (int i = 3; i + 1 < argc; i += 2) {
        auto r = p->call(argv[i], std::string_view(argv[i + 1]));
        if (r) std::cout << "ok: " << r->text() << "\n"; else std::cout << to_string(r.error().code) << "/" << to_string(r.error().effect) << ": " << r.error().message << "\n";
        if (!r && r.error().report) std::cout << r.error().report->text();
    }
    auto b = std::chrono::steady_clock::now();
    for (int i = 0; i < 100000; ++i) if (!p->call("echo", std::string(64, 'x'))) return 2;
    auto e = std::chrono::steady_clock::now();
    std::cout << std::chrono::duration<double, std::nano>(e - b).count() / 100000 << " ns per call p50 " << p->stats().latency.quantile(0.5).count() << "\n";
}
