#include "state_file.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bulkhead/transport/checkpoint.hpp>
#include <bulkhead/transport/descriptor.hpp>
#include <cerrno>
#include <cstring>
#include <system_error>

namespace bulkhead::detail {

using transport::checksum_of;
using transport::Descriptor;

namespace {

std::string text_of(int error) {
    switch (error) {
        case ENOSPC:
            return "the disk is full";
        case EDQUOT:
            return "the disk quota is used up";
        case EFBIG:
            return "it would be larger than files may be here";
        default:
            return std::generic_category().message(error);
    }
}

// A path as its folder, opened, and a name in it, so that each step means the same folder.
class Place {
  public:
    explicit Place(const std::filesystem::path& path)
        : folder_path_(path.has_parent_path() ? path.parent_path() : "."), name_(path.filename().string()) {
        folder_.reset(::open(folder_path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        error_ = folder_ ? 0 : errno;
        if (error_ == 0 && (name_.empty() || name_ == "." || name_ == "..")) {
            error_ = EISDIR;
        }
    }

    int error() const noexcept { return error_; }
    int folder() const noexcept { return folder_.get(); }
    const std::string& name() const noexcept { return name_; }
    std::string folder_trouble() const {
        return error_ == ENOENT ? "there is no folder " + folder_path_.string() : text_of(error_);
    }
    // What lies there instead of a plain file; empty: a plain file or nothing.
    std::string foreign_kind() const {
        struct stat status {};
        if (::fstatat(folder(), name_.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0 || S_ISREG(status.st_mode)) {
            return {};
        }
        return S_ISLNK(status.st_mode)   ? "it is a symbolic link"
               : S_ISDIR(status.st_mode) ? "it is a folder"
                                         : "it is not a plain file";
    }
    bool sync_folder() const noexcept { return ::fsync(folder()) == 0; }

  private:
    std::filesystem::path folder_path_;
    std::string name_;
    Descriptor folder_;
    int error_ = 0;
};

// The file that becomes the state file when it is whole. It has one name, so that a crash leaves at most one, and who
// holds its lock owns that name.
class Draft {
  public:
    explicit Draft(const Place& place) : place_(place), name_(place.name() + ".new") {
        constexpr int kTries = 100;  // against others that finish theirs at that moment
        for (int attempt = 0; attempt < kTries; ++attempt) {
            if (open() || error_ != 0) {
                return;
            }
        }
        error_ = EWOULDBLOCK;
    }
    ~Draft() {
        if (file_) {
            (void)::unlinkat(place_.folder(), name_.c_str(), 0);
        }
    }
    Draft(const Draft&) = delete;
    Draft& operator=(const Draft&) = delete;

    // 0, or why it cannot be written.
    int error() const noexcept { return error_; }
    std::string trouble() const {
        return error_ == EWOULDBLOCK ? "another process is writing it"
               : error_ == ELOOP     ? name_ + " beside it is not a plain file of this user"
                                     : text_of(error_);
    }

    bool write(const void* data, std::size_t size) {
        const auto* bytes = static_cast<const char*>(data);
        while (size > 0) {
            const ssize_t written = ::write(file_.get(), bytes, size);
            if (written < 0 && errno == EINTR) {
                continue;
            }
            if (written <= 0) {
                return fail(written < 0 ? errno : ENOSPC);
            }
            bytes += written;
            size -= static_cast<std::size_t>(written);
        }
        return true;
    }

    // Takes the place of the state file.
    bool publish() {
        if (::fsync(file_.get()) != 0 ||
            ::renameat(place_.folder(), name_.c_str(), place_.folder(), place_.name().c_str()) != 0) {
            return fail(errno);
        }
        file_.reset();
        return true;
    }

  private:
    bool fail(int error) {
        error_ = error;
        return false;
    }

    // One that a crash left is used again. Not open and no error: try again.
    bool open() {
        Descriptor file(::openat(place_.folder(), name_.c_str(),
                                 O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC,
                                 S_IRUSR | S_IWUSR));
        if (!file || ::flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
            return fail(errno);
        }
        struct stat opened {};
        struct stat named {};
        if (::fstat(file.get(), &opened) != 0) {
            return fail(errno);
        }
        if (::fstatat(place_.folder(), name_.c_str(), &named, AT_SYMLINK_NOFOLLOW) != 0 ||
            named.st_ino != opened.st_ino || named.st_dev != opened.st_dev) {
            return false;  // its owner has just renamed or removed it
        }
        if (!S_ISREG(opened.st_mode) || opened.st_nlink != 1 || opened.st_uid != ::geteuid()) {
            return fail(ELOOP);
        }
        if (::fchmod(file.get(), S_IRUSR | S_IWUSR) != 0 || ::ftruncate(file.get(), 0) != 0) {
            return fail(errno);
        }
        file_ = std::move(file);
        return true;
    }

    const Place& place_;
    std::string name_;
    Descriptor file_;
    int error_ = 0;
};

// Going over it would end the server with SIGXFSZ.
bool allowed_by_file_size_limit(std::uint64_t size) {
    rlimit limit{};
    return ::getrlimit(RLIMIT_FSIZE, &limit) != 0 || size <= limit.rlim_cur;
}

std::uint64_t checksum_of_header(const StateFileHeader& header) {
    return checksum_of(std::as_bytes(std::span(&header, 1)).first(offsetof(StateFileHeader, header_checksum)));
}

StateFileHeader header_for(const std::string& plugin, std::uint32_t version, std::span<const std::byte> state) {
    StateFileHeader header;
    header.state_version = version;
    header.length = state.size();
    header.checksum = checksum_of(state);
    plugin.copy(header.plugin, sizeof header.plugin);
    header.header_checksum = checksum_of_header(header);
    return header;
}

// Why this header is not one of the plugin's state, with `size` bytes in the file; empty: it is.
std::string refuse_header(const StateFileHeader& header, const std::string& plugin, std::uint64_t size,
                          std::uint64_t limit) {
    if (header.magic != StateFileHeader::kMagic) {
        return "it is not a state file of Bulkhead";
    }
    if (header.format != StateFileHeader::kFormat) {
        return "its format " + std::to_string(header.format) + " is not known";
    }
    if (header.header_checksum != checksum_of_header(header)) {
        return "it is damaged: the checksum of its header is wrong";
    }
    const std::string owner(header.plugin, ::strnlen(header.plugin, sizeof header.plugin));
    if (owner != plugin) {
        return "it holds the state of plugin " + owner;
    }
    if (header.length > limit) {
        return "its state of " + std::to_string(header.length) + " bytes is over state.limit (" +
               std::to_string(limit) + ")";
    }
    if (size - sizeof header != header.length) {
        return size - sizeof header < header.length ? "it is truncated" : "it is longer than it should be";
    }
    return {};
}

// Reads up to `size` bytes; less: the file ends there, or an error.
std::size_t read_all(int file, void* target, std::size_t size, int& error) {
    auto* bytes = static_cast<char*>(target);
    std::size_t done = 0;
    while (done < size) {
        const ssize_t got = ::read(file, bytes + done, size - done);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            error = got < 0 ? errno : 0;
            break;
        }
        done += static_cast<std::size_t>(got);
    }
    return done;
}

std::vector<std::string> names_aside(const std::string& name) {
    constexpr int kMost = 9;
    std::vector<std::string> names{name + ".refused"};
    for (int number = 2; number <= kMost; ++number) {
        names.push_back(names.front() + "." + std::to_string(number));
    }
    return names;
}

// Where none is free the last is replaced. False: errno says why.
bool rename_to_first_free(const Place& place, const std::vector<std::string>& names) {
    for (const std::string& name : names) {
        struct stat there {};
        const bool is_free = ::fstatat(place.folder(), name.c_str(), &there, AT_SYMLINK_NOFOLLOW) != 0;
        if (is_free || name == names.back()) {
            return ::renameat(place.folder(), place.name().c_str(), place.folder(), name.c_str()) == 0;
        }
    }
    return false;
}

}  // namespace

std::string StateFile::sentence(const char* what, const std::string& why) const {
    return "plugin " + plugin_ + ": state file " + path_.string() + " cannot be " + what + ": " + why;
}

std::optional<std::string> StateFile::write(std::uint32_t version, std::span<const std::byte> state) const {
    const Place place(path_);
    if (place.error() != 0) {
        return sentence("written", place.folder_trouble());
    }
    if (const std::string kind = place.foreign_kind(); !kind.empty()) {
        return sentence("written", kind);
    }
    if (!allowed_by_file_size_limit(sizeof(StateFileHeader) + state.size())) {
        return sentence("written", text_of(EFBIG));
    }
    Draft draft(place);
    const StateFileHeader header = header_for(plugin_, version, state);
    if (draft.error() != 0 || !draft.write(&header, sizeof header) || !draft.write(state.data(), state.size()) ||
        !draft.publish()) {
        return sentence("written", draft.trouble());
    }
    if (!place.sync_folder()) {
        return sentence("made durable", text_of(errno));
    }
    return std::nullopt;
}

StateReading StateFile::read(std::uint64_t limit) const {
    const auto refuse = [this](const std::string& why) {
        return StateReading{std::nullopt, sentence("used", why), false};
    };
    const auto fail = [this](const std::string& why) {
        return StateReading{std::nullopt, sentence("read", why), true};
    };
    const Place place(path_);
    if (place.error() != 0) {
        return place.error() == ENOENT ? StateReading{} : fail(place.folder_trouble());
    }
    if (const std::string kind = place.foreign_kind(); !kind.empty()) {
        return refuse(kind);
    }
    const Descriptor file(
        ::openat(place.folder(), place.name().c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
    if (!file) {
        return errno == ENOENT ? StateReading{} : fail(text_of(errno));
    }
    struct stat status {};
    if (::fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode)) {
        return refuse("it is not a plain file");
    }
    const auto size = static_cast<std::uint64_t>(status.st_size);
    StateFileHeader header;
    int error = 0;
    if (read_all(file.get(), &header, sizeof header, error) != sizeof header) {
        return error != 0 ? fail(text_of(error)) : refuse(size == 0 ? "it is empty" : "it is truncated");
    }
    if (const std::string why = refuse_header(header, plugin_, size, limit); !why.empty()) {
        return refuse(why);
    }
    StoredState state{header.state_version, std::vector<std::byte>(header.length)};
    if (read_all(file.get(), state.bytes.data(), state.bytes.size(), error) != state.bytes.size()) {
        return error != 0 ? fail(text_of(error)) : refuse("it is truncated");
    }
    if (checksum_of(state.bytes) != header.checksum) {
        return refuse("it is damaged: the checksum of its state is wrong");
    }
    return StateReading{std::move(state), {}, false};
}

std::optional<std::string> StateFile::put_aside() const {
    const Place place(path_);
    if (place.error() != 0) {
        return place.error() == ENOENT ? std::nullopt : std::optional(sentence("put aside", place.folder_trouble()));
    }
    if (const std::string kind = place.foreign_kind(); !kind.empty()) {
        return sentence("put aside", kind);
    }
    if (!rename_to_first_free(place, names_aside(place.name()))) {
        return errno == ENOENT ? std::nullopt : std::optional(sentence("put aside", text_of(errno)));
    }
    if (!place.sync_folder()) {
        return sentence("put aside", text_of(errno));
    }
    return std::nullopt;
}

std::optional<std::filesystem::path> StateFile::missing_but_aside() const {
    std::error_code ignored;
    std::filesystem::path aside = path_;
    aside += ".refused";
    const bool missing = !std::filesystem::exists(std::filesystem::symlink_status(path_, ignored));
    return missing && std::filesystem::exists(aside, ignored) ? std::optional(aside) : std::nullopt;
}

}  // namespace bulkhead::detail
