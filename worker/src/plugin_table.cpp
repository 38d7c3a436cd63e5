#include "plugin_table.hpp"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <string>
#include <unordered_set>

#include "bulkhead/transport/layout.hpp"

namespace bulkhead::worker {
namespace {

// Sizes of the first ABI version; members that came later are used only when the table says that it has them.
constexpr std::size_t kVersionOneTable = offsetof(bulkhead_plugin_table, deactivate) + sizeof(void (*)(void*));
constexpr std::size_t kVersionOneMethod = offsetof(bulkhead_method, run) + sizeof(void (*)());
constexpr std::size_t kHead = offsetof(bulkhead_plugin_table, name);
constexpr std::size_t kMaxNameLength = sizeof(transport::MethodRecord::name) - 1;

class TableCheck {
  public:
    TableCheck(const bulkhead_plugin_table* table, std::string_view library) : table_(table), library_(library) {}

    OrRefusal<PluginTable> run() {
        if (table_ == nullptr) {
            return refuse("its function bulkhead_plugin returned null");
        }
        if (table_->size < kHead) {
            return refuse_size();
        }
        if (table_->abi_version != BULKHEAD_ABI_VERSION) {
            return Refusal{"library " + library_ + " was built for plugin ABI " + std::to_string(table_->abi_version) +
                           "; this worker speaks " + std::to_string(BULKHEAD_ABI_VERSION)};
        }
        if (table_->size < kVersionOneTable) {
            return refuse_size();
        }
        if (table_->method_size < kVersionOneMethod || table_->method_size % alignof(bulkhead_method) != 0) {
            return refuse("its methods have " + std::to_string(table_->method_size) +
                          " bytes each; ABI 1 needs at least " + std::to_string(kVersionOneMethod));
        }
        if (table_->create == nullptr || table_->destroy == nullptr) {
            return refuse(std::string("it has no ") + (table_->create == nullptr ? "create" : "destroy") + " function");
        }
        if (offers_only_half_a_state()) {
            return refuse("it has save without load, or load without save");
        }
        if (table_->method_count > transport::kMaxMethods) {
            return refuse("it has " + std::to_string(table_->method_count) + " methods; at most " +
                          std::to_string(transport::kMaxMethods) + " are possible");
        }
        if (table_->method_count > 0 && table_->methods == nullptr) {
            return refuse("its methods are null, although it says it has " + std::to_string(table_->method_count));
        }
        return copy();
    }

  private:
    Refusal refuse(const std::string& cause) const { return {"library " + library_ + ": " + cause}; }
    Refusal refuse_size() const {
        return refuse("its plugin table has " + std::to_string(table_->size) + " bytes; ABI 1 needs at least " +
                      std::to_string(kVersionOneTable));
    }

    // Both came with the same growth of the table.
    bool offers_only_half_a_state() const {
        constexpr std::size_t kWithState = offsetof(bulkhead_plugin_table, load) + sizeof(void (*)());
        return table_->size >= kWithState && (table_->save == nullptr) != (table_->load == nullptr);
    }

    OrRefusal<PluginTable> copy() {
        PluginTable result;
        std::memcpy(&result.functions, table_, std::min(table_->size, sizeof result.functions));
        if (result.functions.load == nullptr) {  // a table that ends between the two
            result.functions.save = nullptr;
        }
        const auto* bytes = reinterpret_cast<const std::byte*>(table_->methods);
        for (std::size_t index = 0; index < table_->method_count; ++index) {
            bulkhead_method method{};
            std::memcpy(&method, bytes + index * table_->method_size,
                        std::min<std::size_t>(table_->method_size, sizeof method));
            if (const std::string fault = check(method, index); !fault.empty()) {
                return refuse(fault);
            }
            result.methods.push_back(method);
        }
        return result;
    }

    std::string check(const bulkhead_method& method, std::size_t index) {
        const std::string number = std::to_string(index);
        if (method.name == nullptr || *method.name == '\0') {
            return "its method number " + number + " has no name";
        }
        const std::string name(method.name, ::strnlen(method.name, kMaxNameLength + 1));
        if (name.size() > kMaxNameLength) {
            return "its method number " + number + " has a name of more than " + std::to_string(kMaxNameLength) +
                   " bytes";
        }
        if (method.run == nullptr) {
            return "its method " + name + " has no function";
        }
        return names_.insert(name).second ? "" : "two of its methods are called " + name;
    }

    const bulkhead_plugin_table* table_;
    std::string library_;
    std::unordered_set<std::string> names_;
};

}  // namespace

OrRefusal<PluginTable> check_plugin_table(const bulkhead_plugin_table* table, std::string_view library) {
    return TableCheck(table, library).run();
}

}  // namespace bulkhead::worker
