// Reports on disk: whole or not at all, for this user only, never more than allowed.
#include "report_store.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <atomic>
#include <fstream>
#include <iterator>
#include <thread>

#include "bulkhead/host/report_folder.hpp"
#include "report_names.hpp"
#include "runtime.hpp"
#include "support/file_size_limit.hpp"
#include "support/sample_report.hpp"
#include "support/scratch_folder.hpp"

namespace bulkhead::detail {
namespace {

namespace fs = std::filesystem;

std::shared_ptr<const Report> report_named(const std::string& id) {
    auto report = std::make_shared<Report>(testing::sample_report());
    report->id = id;
    report->repro.clear();
    return report;
}

std::string id_number(int number) {
    const std::string digits = std::to_string(number);
    return "resizer-1-" + std::string(8 - digits.size(), '0') + digits;
}

Repro repro_with(std::size_t bytes) {
    Repro repro;
    repro.method = "resize";
    repro.request.resize(bytes, std::byte{'x'});
    return repro;
}

// A store and what it complained of.
struct Keeper {
    explicit Keeper(const fs::path& folder, std::uint32_t reports = 100, std::uint64_t bytes = 64 << 20)
        : store([&] {
              HostOptions options;
              options.reports = folder;
              options.max_reports = reports;
              options.max_report_bytes = bytes;
              return options;
          }()) {}

    std::shared_ptr<const Report> keep(const std::string& id) {
        return store.keep(report_named(id), [this](std::string_view text) { complaints.emplace_back(text); });
    }

    ReportStore store;
    std::vector<std::string> complaints;
};

std::vector<std::string> names_in(const fs::path& folder) {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(folder)) {
        names.push_back(entry.path().filename().string());
    }
    std::sort(names.begin(), names.end());
    return names;
}

mode_t mode_of(const fs::path& path) {
    struct stat facts {};
    REQUIRE(::stat(path.c_str(), &facts) == 0);
    return facts.st_mode & 07777;
}

TEST_CASE("a report is kept for this user only, in a folder that is made when it is needed") {
    const testing::ScratchFolder scratch;
    const fs::path folder = scratch.path() / "state" / "reports";
    Keeper keeper(folder);
    CHECK_FALSE(fs::exists(folder));
    const auto kept = keeper.keep(id_number(1));
    CHECK(keeper.complaints.empty());
    CHECK(mode_of(folder) == 0700);
    CHECK(mode_of(folder.parent_path()) == 0700);
    CHECK(names_in(folder) == std::vector{id_number(1) + ".json"});
    CHECK(mode_of(folder / (id_number(1) + ".json")) == 0600);
    const auto read = read_report(folder / (id_number(1) + ".json"));
    REQUIRE_MESSAGE(read.has_value(), read.error().message);
    CHECK(read->text() == kept->text());
}

TEST_CASE("a repro is kept beside its report, and read again") {
    const testing::ScratchFolder scratch;
    Keeper keeper(scratch.path());
    const std::string id = id_number(1);
    Repro repro = repro_with(3);
    repro.manifest.json = R"({"name": "resizer"})";
    repro.config = "{}";
    repro.state = SavedState{2, {std::byte{'s'}}};
    REQUIRE(keeper.store.hold(id, std::move(repro)));
    keeper.keep(id);
    CHECK(names_in(scratch.path()) == std::vector{id + ".json", id + ".repro"});
    CHECK(mode_of(keeper.store.repro_path(id)) == 0600);
    const auto read = read_repro(keeper.store.repro_path(id));
    REQUIRE_MESSAGE(read.has_value(), read.error().message);
    CHECK(read->request.size() == 3);
    CHECK(read->state->bytes.size() == 1);
    CHECK(read->report.id == id);
}

TEST_CASE("the oldest go when there are too many, and nobody else's files do") {
    const testing::ScratchFolder scratch;
    scratch.write("notes.json", "{}");
    scratch.write("resizer-1-xyz.json", "{}");
    scratch.write("resizer-1-00000001.txt", "mine");
    fs::create_directory(scratch.path() / "resizer-1-00000002.json");
    Keeper keeper(scratch.path(), 3);
    for (int number = 10; number < 20; ++number) {
        REQUIRE(keeper.store.hold(id_number(number), repro_with(1)));
        keeper.keep(id_number(number));
    }
    const auto kept = list_reports(scratch.path());
    REQUIRE(kept.has_value());
    REQUIRE(kept->size() == 3);
    CHECK(kept->at(0).id == id_number(19));
    CHECK(kept->at(2).id == id_number(17));
    CHECK(names_in(scratch.path()).size() == 4 + 2 * 3);
}

TEST_CASE("the oldest go when they are too large together, with their repros") {
    const testing::ScratchFolder scratch;
    Keeper keeper(scratch.path(), 100, 100'000);
    for (int number = 10; number < 20; ++number) {
        REQUIRE(keeper.store.hold(id_number(number), repro_with(30'000)));
        keeper.keep(id_number(number));
        std::uint64_t bytes = 0;
        for (const std::string& name : names_in(scratch.path())) {
            bytes += fs::file_size(scratch.path() / name);
        }
        CHECK(bytes <= 100'000);
    }
    CHECK(list_reports(scratch.path())->front().id == id_number(19));
    CHECK(names_in(scratch.path()).size() == 2 * 2);
}

TEST_CASE("what is larger than the folder may be is left out, and the report says so") {
    const testing::ScratchFolder scratch;
    Keeper keeper(scratch.path(), 100, 20'000);
    REQUIRE(keeper.store.hold(id_number(1), repro_with(30'000)));
    const auto kept = keeper.keep(id_number(1));
    CHECK(kept->repro_note == "it is larger than the folder of reports may be");
    CHECK(kept->repro.empty());
    CHECK(names_in(scratch.path()) == std::vector{id_number(1) + ".json"});
    CHECK(read_report(scratch.path() / (id_number(1) + ".json"))->repro_note == kept->repro_note);
    Keeper tiny(scratch.path() / "tiny", 100, 10);
    tiny.keep(id_number(2));
    CHECK(tiny.complaints.size() == 1);
    CHECK(list_reports(scratch.path() / "tiny")->empty());
}

TEST_CASE("a repro that has no room beside its own report is left out, and the report that names it is never") {
    const testing::ScratchFolder scratch;
    const fs::path probe = scratch.path() / "probe";
    Keeper(probe).keep(id_number(1));
    const std::uint64_t report = fs::file_size(probe / (id_number(1) + ".json"));
    for (std::uint64_t room = 2 * report; room < 4 * report; room += 10) {
        const fs::path folder = scratch.path() / std::to_string(room);
        Keeper keeper(folder, 100, room);
        REQUIRE(keeper.store.hold(id_number(1), repro_with(report)));
        auto named = std::make_shared<Report>(*report_named(id_number(1)));
        named->repro = keeper.store.repro_path(id_number(1));
        const auto kept = keeper.store.keep(named, [](std::string_view) {});
        CHECK(fs::exists(folder / (id_number(1) + ".json")));
        CHECK((kept->repro.empty() || fs::exists(kept->repro)));
    }
}

TEST_CASE("a call that its file could not tell is not offered to be run again") {
    const testing::ScratchFolder scratch;
    Keeper keeper(scratch.path());
    Repro repro = repro_with(1);
    repro.manifest.directory = "/plugins/caf\xe9";
    REQUIRE(keeper.store.hold(id_number(1), std::move(repro)));
    auto named = std::make_shared<Report>(*report_named(id_number(1)));
    named->repro = keeper.store.repro_path(id_number(1));
    const auto kept = keeper.store.keep(named, [](std::string_view) {});
    CHECK(kept->repro.empty());
    CHECK(kept->repro_note == "the path of its library is not UTF-8, which the file cannot hold");
    CHECK(names_in(scratch.path()) == std::vector{id_number(1) + ".json"});
}

TEST_CASE("a folder that others may write to is warned of once") {
    const testing::ScratchFolder scratch;
    for (const fs::perms others : {fs::perms::others_write, fs::perms::group_write}) {
        const fs::path folder = scratch.path() / std::to_string(static_cast<unsigned>(others));
        fs::create_directory(folder);
        fs::permissions(folder, fs::perms::owner_all | others);
        Keeper keeper(folder);
        keeper.keep(id_number(1));
        keeper.keep(id_number(2));
        CHECK(list_reports(folder)->size() == 2);
        CHECK(keeper.complaints ==
              std::vector<std::string>{"its report is kept in " + folder.string() +
                                       ", which is another user's or may be written to by others: do not trust what "
                                       "lies there"});
    }
}

TEST_CASE("a link in the folder counts for nothing, whatever it leads to") {
    const testing::ScratchFolder scratch;
    const fs::path large = scratch.write("large", std::string(200'000, 'x'));
    const fs::path folder = scratch.path() / "reports";
    Keeper keeper(folder, 100, 100'000);
    keeper.keep(id_number(1));
    fs::create_symlink(large, folder / (id_number(2) + ".json"));
    keeper.keep(id_number(3));
    const auto kept = list_reports(folder);
    REQUIRE(kept.has_value());
    REQUIRE(kept->size() == 2);
    CHECK(kept->at(1).id == id_number(1));
}

TEST_CASE("files from the time to come keep nothing else out: they are older than the clock") {
    const testing::ScratchFolder scratch;
    const auto later = fs::file_time_type::clock::now() + std::chrono::hours(24);
    Keeper keeper(scratch.path(), 3, 100'000);
    SUBCASE("a repro that no report will follow") {
        fs::last_write_time(scratch.write(id_number(1) + ".repro", std::string(200'000, 'x')), later);
        keeper.keep(id_number(2));
        keeper.keep(id_number(3));
        CHECK(names_in(scratch.path()) == std::vector{id_number(2) + ".json", id_number(3) + ".json"});
    }
    SUBCASE("reports from before the clock was set back") {
        for (int number = 1; number <= 3; ++number) {
            keeper.keep(id_number(number));
            fs::last_write_time(scratch.path() / (id_number(number) + ".json"), later + std::chrono::hours(number));
        }
        keeper.keep(id_number(4));
        keeper.keep(id_number(5));
        CHECK(names_in(scratch.path()) ==
              std::vector{id_number(3) + ".json", id_number(4) + ".json", id_number(5) + ".json"});
    }
}

TEST_CASE("a host whose folder may hold no report keeps none, so that it offers none") {
    HostOptions options;
    options.reports = "/reports";
    std::error_code error;
    CHECK(Runtime(options, error).reports != nullptr);
    options.max_reports = 0;
    CHECK(Runtime(options, error).reports == nullptr);
}

TEST_CASE("repros that wait for a slow disk are bounded") {
    const testing::ScratchFolder scratch;
    HostOptions options;
    options.reports = scratch.path();
    options.max_repro_bytes = 1000;
    ReportStore store(options);
    int held = 0;
    while (store.hold(id_number(held), repro_with(1000))) {
        REQUIRE(++held < 20);
    }
    CHECK(held >= 2);
    store.keep(report_named(id_number(0)), [](std::string_view) {});
    CHECK(store.hold(id_number(held), repro_with(1000)));
    options.save_repros = false;
    CHECK(ReportStore(options).max_repro_bytes() == 0);
}

TEST_CASE("a disk without room loses the report and nothing else, and is complained of once") {
    const testing::ScratchFolder scratch;
    Keeper keeper(scratch.path());
    keeper.keep(id_number(1));
    {
        const testing::FileSizeLimit limit(100);
        for (int number = 2; number < 5; ++number) {
            REQUIRE(keeper.store.hold(id_number(number), repro_with(1000)));
            const auto kept = keeper.keep(id_number(number));
            CHECK(kept->id == id_number(number));
            CHECK(kept->repro.empty());
            CHECK(kept->repro_note == scratch.path().string() + " cannot be written to: File too large");
        }
    }
    REQUIRE(keeper.complaints.size() == 1);
    CHECK(keeper.complaints.front() ==
          "its report could not be kept in " + scratch.path().string() + ": File too large; this is said once");
    CHECK(names_in(scratch.path()) == std::vector{id_number(1) + ".json"});
    keeper.keep(id_number(6));
    CHECK(list_reports(scratch.path())->size() == 2);
    CHECK(keeper.complaints.size() == 1);
}

TEST_CASE("no repro stays whose report could not be kept") {
    const testing::ScratchFolder scratch;
    Keeper keeper(scratch.path());
    const std::string id = id_number(1);
    fs::create_directory(scratch.path() / (id + ".json"));  // in the way of the report alone
    REQUIRE(keeper.store.hold(id, repro_with(1000)));
    auto report = std::make_shared<Report>(*report_named(id));
    report->repro = keeper.store.repro_path(id);
    const auto kept =
        keeper.store.keep(report, [&keeper](std::string_view text) { keeper.complaints.emplace_back(text); });
    CHECK(kept->repro.empty());
    CHECK(kept->repro_note == "its report could not be kept beside it: Is a directory");
    CHECK(keeper.complaints.size() == 1);
    CHECK(names_in(scratch.path()) == std::vector{id + ".json"});
}

TEST_CASE("a folder that cannot be is complained of once, and another cause once more") {
    const testing::ScratchFolder scratch;
    const fs::path folder = scratch.write("file", "") / "reports";
    Keeper keeper(folder);
    keeper.keep(id_number(1));
    keeper.keep(id_number(2));
    CHECK(keeper.complaints.size() == 1);
    fs::remove(folder.parent_path());
    keeper.keep(id_number(3));
    CHECK(keeper.complaints.size() == 1);
    CHECK(list_reports(folder)->size() == 1);
    const testing::FileSizeLimit limit(1);
    keeper.keep(id_number(4));
    CHECK(keeper.complaints.size() == 2);
}

TEST_CASE("a plugin's name leads out of no folder") {
    const testing::ScratchFolder scratch;
    const fs::path folder = scratch.path() / "reports";
    Keeper keeper(folder);
    for (const std::string id : {"..-1-00000001", ".-1-00000001", "...-1-00000001", "-1-00000001-1-00000002"}) {
        CHECK(is_report_id(id));
        keeper.keep(id);
    }
    CHECK(names_in(scratch.path()) == std::vector<std::string>{"reports"});
    CHECK(list_reports(folder)->size() == 4);
    for (const char* id : {"", "..", "../a-1-00000001", "a/b-1-00000001", "a-1-0000000g", "a-1-0000000", "a-x-00000001",
                           "-1-00000001", "a--00000001", "a-00000001", "a\n-1-00000001"}) {
        CAPTURE(id);
        CHECK_FALSE(is_report_id(id));
    }
}

TEST_CASE("a file that somebody put in the way is not written through") {
    const testing::ScratchFolder scratch;
    const fs::path victim = scratch.write("victim", "precious");
    const fs::path folder = scratch.path() / "reports";
    fs::create_directory(folder);
    for (const std::string_view ending : {kReportEnding, kUnfinishedEnding}) {
        fs::create_symlink(victim, folder / (id_number(1) + std::string(ending)));
    }
    Keeper keeper(folder);
    keeper.keep(id_number(1));
    std::ifstream stream(victim);
    CHECK(std::string(std::istreambuf_iterator<char>(stream), {}) == "precious");
    CHECK(list_reports(folder)->size() == 1);
}

TEST_CASE("hosts that share a folder keep its limits, and every report in it is whole") {
    const testing::ScratchFolder scratch;
    constexpr int kHosts = 4;
    constexpr int kDeaths = 50;
    std::atomic<int> at_work = kHosts;
    std::atomic<int> complaints = 0;
    std::vector<std::thread> hosts;
    for (int host = 0; host < kHosts; ++host) {
        hosts.emplace_back([&, host] {
            Keeper keeper(scratch.path(), 7);
            for (int death = 0; death < kDeaths; ++death) {
                const std::string id = id_number(host * 1000 + death);
                keeper.store.hold(id, repro_with(1000));
                keeper.keep(id);
            }
            complaints += static_cast<int>(keeper.complaints.size());
            --at_work;
        });
    }
    while (at_work > 0) {
        for (const KeptReport& kept : *list_reports(scratch.path())) {
            const auto report = read_report(kept.file);
            const bool gone = !report && report.error().message.find("No such file") != std::string::npos;
            CHECK_MESSAGE((report.has_value() || gone), report.error().message);
        }
    }
    for (std::thread& host : hosts) {
        host.join();
    }
    CHECK(complaints == 0);
    CHECK(names_in(scratch.path()).size() <= 2 * 7);
    for (const std::string& name : names_in(scratch.path())) {
        CHECK_FALSE(name.ends_with(kUnfinishedEnding));
    }
}

}  // namespace
}  // namespace bulkhead::detail
