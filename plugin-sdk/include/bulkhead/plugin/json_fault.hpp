// Which field of a JSON document has the wrong type. Not for direct use.
#pragma once

#include <algorithm>
#include <cstddef>
#include <functional>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace bulkhead::plugin {

// What nlohmann_json says about a value of the wrong type: "[...302] type must be number, but is string",
// "[...306] cannot use value() with string".
struct JsonTypeComplaint {
    explicit JsonTypeComplaint(std::string_view message) : found(message.substr(message.rfind(' ') + 1)) {
        constexpr std::string_view kMust = "type must be ";
        if (const auto start = message.find(kMust); start != message.npos) {
            const std::string_view rest = message.substr(start + kMust.size());
            expected = rest.substr(0, rest.find(','));
        }
    }
    std::string expected = "object";
    std::string found;
};

// Finds the field by cutting the document down to what still fails in the same way, half by half: the exceptions of
// nlohmann_json name the field only under JSON_DIAGNOSTICS, which would change the type for the author's whole program.
// Costs some conversions of parts of the document, and only when there is an error to tell. There are only so many of
// them, the fewer the larger the document is, because whoever sends a wrong request must not have the plugin work for
// long.
class JsonFaultSearch {
  public:
    // `attempt` converts a document and returns the complaint, or nothing when it has none about a type.
    using Attempt = std::function<std::string(const nlohmann::json&)>;

    JsonFaultSearch(nlohmann::json document, std::string complaint, Attempt attempt)
        : document_(std::move(document)),
          complaint_(std::move(complaint)),
          attempt_(std::move(attempt)),
          attempts_left_(std::min(kMostAttempts, kMostValues / count_values(document_))) {
        while (descend()) {
        }
    }

    // Whether it came to the end. Else it gave up, and path and value mean nothing.
    bool finished() const { return attempts_left_ > 0; }

    // Such as `items[3].price`; empty: the document itself.
    const std::string& path() const { return path_; }
    // The value that is there.
    const nlohmann::json& value() const { return *node_; }

  private:
    static constexpr std::size_t kMostAttempts = 500;
    static constexpr std::size_t kMostValues = 8'000'000;  // that are converted in all

    static std::size_t count_values(const nlohmann::json& value) {
        std::size_t count = 1;
        if (value.is_structured()) {
            for (const nlohmann::json& child : value) {
                count += count_values(child);
            }
        }
        return count;
    }

    // What the document is complained of; nothing more once there were too many attempts.
    std::string attempt() {
        attempts_left_ -= attempts_left_ > 0 ? 1 : 0;
        return finished() ? attempt_(document_) : std::string();
    }
    bool fails() { return attempt() == complaint_; }
    bool fails_as(nlohmann::json stand_in) {
        std::swap(*node_, stand_in);
        const bool failed = fails();
        std::swap(*node_, stand_in);
        return failed;
    }

    // One level down, to the child that is at fault. False: the node itself is, or nobody knows.
    bool descend() {
        if (!finished() || !node_->is_structured() || node_->empty() || fails_as(nlohmann::json(node_->type()))) {
            return false;
        }
        return node_->is_array() ? descend_into_array() : descend_into_object();
    }

    // The first element with which the array fails.
    bool descend_into_array() {
        std::size_t good = 0;
        std::size_t bad = node_->size();
        const auto prefix = [this](std::size_t size) {
            return nlohmann::json(nlohmann::json::array_t(node_->begin(), std::next(node_->begin(), difference(size))));
        };
        while (bad - good > 1 && finished()) {
            const std::size_t middle = good + (bad - good) / 2;
            (fails_as(prefix(middle)) ? bad : good) = middle;
        }
        *node_ = prefix(bad);
        path_ += "[" + std::to_string(bad - 1) + "]";
        node_ = &node_->back();
        return true;
    }

    bool descend_into_object() {
        std::vector<std::string> keys;
        for (const auto& [key, ignored] : node_->items()) {
            keys.push_back(key);
        }
        while (keys.size() > 1 && finished()) {
            const auto middle = std::next(keys.begin(), difference(keys.size() / 2));
            std::vector<std::string> first(keys.begin(), middle);
            std::vector<std::string> second(middle, keys.end());
            if (fails_as(only(first))) {
                keys = std::move(first);
            } else if (fails_as(only(second))) {
                keys = std::move(second);
            } else {
                return descend_into_required_field(keys);
            }
        }
        *node_ = only(keys);
        return enter(keys.front());
    }

    nlohmann::json only(const std::vector<std::string>& keys) const {
        nlohmann::json kept = nlohmann::json::object();
        for (const std::string& key : keys) {
            kept[key] = node_->at(key);
        }
        return kept;
    }

    // Fields that have to be there cannot be left out to see what happens. So each in turn gets a value that would be
    // right for the one at fault.
    bool descend_into_required_field(const std::vector<std::string>& keys) {
        constexpr std::size_t kAtMost = 64;
        const JsonTypeComplaint complaint(complaint_);
        for (std::size_t i = 0; i < std::min(keys.size(), kAtMost) && finished(); ++i) {
            nlohmann::json& field = node_->at(keys[i]);
            const bool suspect = field.is_structured() || field.type_name() == complaint.found;
            if (suspect && is_cured_by_changing(field, complaint)) {
                return enter(keys[i]);
            }
        }
        return false;
    }

    bool is_cured_by_changing(nlohmann::json& field, const JsonTypeComplaint& complaint) {
        nlohmann::json stand_in =
            field.type_name() == complaint.found ? example(complaint.expected) : nlohmann::json(field.type());
        const std::string changed = stand_in.type_name();
        std::swap(field, stand_in);
        const std::string now = attempt();
        std::swap(field, stand_in);
        // A field that was right before is wrong now and says so.
        return now != complaint_ && (now.empty() || JsonTypeComplaint(now).found != changed);
    }

    static nlohmann::json example(const std::string& type) {
        if (type == "number") {
            return 0;
        }
        if (type == "string") {
            return "";
        }
        if (type == "boolean") {
            return false;
        }
        return type == "array" ? nlohmann::json::array() : nlohmann::json::object();
    }

    bool enter(const std::string& key) {
        path_ += (path_.empty() ? "" : ".") + key;
        node_ = &node_->at(key);
        return true;
    }

    static std::ptrdiff_t difference(std::size_t count) { return static_cast<std::ptrdiff_t>(count); }

    nlohmann::json document_;
    const std::string complaint_;
    const Attempt attempt_;
    std::size_t attempts_left_;
    nlohmann::json* node_ = &document_;
    std::string path_;
};

}  // namespace bulkhead::plugin
