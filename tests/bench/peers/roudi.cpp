#include "roudi.hpp"

#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <iceoryx_hoofs/log/logmanager.hpp>
#include <iceoryx_hoofs/posix_wrapper/posix_access_rights.hpp>
#include <iceoryx_posh/iceoryx_posh_config.hpp>
#include <iceoryx_posh/internal/roudi/roudi.hpp>
#include <iceoryx_posh/roudi/iceoryx_roudi_components.hpp>
#include <stdexcept>

namespace bulkhead::bench::peers {
namespace {

constexpr std::uint32_t kChunks = 32;

iox::RouDiConfig_t memory_for(std::size_t largest) {
    iox::mepoo::MePooConfig pools;
    pools.addMemPool({1024, kChunks});
    pools.addMemPool({static_cast<std::uint32_t>(largest + 1024), kChunks});
    const auto group = iox::posix::PosixGroup::getGroupOfCurrentProcess().getName();
    iox::RouDiConfig_t config;
    config.m_sharedMemorySegments.push_back({group, group, pools});
    return config;
}

void run_roudi(std::size_t largest, const ChildProcess::Ready& ready) {
    iox::log::LogManager::GetLogManager().SetDefaultLogLevel(iox::log::LogLevel::kError,
                                                             iox::log::LogLevelOutput::kHideLogLevel);
    const volatile bool& ending = asked_to_end();
    ::prctl(PR_SET_PDEATHSIG, SIGTERM);  // however the bench dies, its shared memory must go
    iox::roudi::IceOryxRouDiComponents components(memory_for(largest));
    // Neither looks whether its clients live, which it may not say of one that is held, nor ends them.
    const iox::roudi::RouDi::RoudiStartupParameters parameters(iox::roudi::MonitoringMode::OFF, false);
    const iox::roudi::RouDi roudi(components.rouDiMemoryManager, components.portManager, parameters);
    ready();
    while (!ending) {
        ::usleep(100'000);  // a signal ends it sooner
    }
}

}  // namespace

Roudi::Roudi(int core, std::size_t largest) try
    : process_(core, [largest](const ChildProcess::Ready& ready) { run_roudi(largest, ready); }) {
} catch (const std::runtime_error&) {
    throw std::runtime_error("its daemon, RouDi, does not start; is another one running?");
}

}  // namespace bulkhead::bench::peers
