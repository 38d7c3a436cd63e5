// What the programs here share. Each is a server of its own kind that embeds a host; tests run them and look at what
// they print: "done" at the end when all was well.
#pragma once

#include <bulkhead/host/host.hpp>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace bulkhead::programs {

// Prints a line at once.
void say(const std::string& line);
// Ends the program with "FAILED: sentence" unless the condition holds.
void expect(bool condition, const std::string& sentence);

// A host of this build; the program ends when there is none.
Host make_host(HostOptions options);
Host make_host();
// A plugin of this build, used where it lies: nobody removes the copies of a program that is killed or just ends.
// `changes` are merged into its manifest.
Plugin load(Host& host, std::string_view plugin, const nlohmann::json& changes = nlohmann::json::object());

// What lets a plugin be restarted as often as one likes.
inline const nlohmann::json kTireless = {
    {"supervision", {{"restarts", 1'000'000}, {"backoff_ms", 0}, {"quarantine_deaths", 0}}}};

// An echo that must come back.
void expect_echo(const Plugin& plugin, std::string_view text);
// The same, tried again for a while: the plugin is being restarted.
void expect_echo_soon(const Plugin& plugin, std::string_view text);

// What a host has to do in every kind of server: serve, survive crashes, and the deaths of guard and fork server.
void serve_through_deaths(const Plugin& plugin);

}  // namespace bulkhead::programs
