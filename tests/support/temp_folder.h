// A folder of the test's own below the system's folder for temporary files; it goes with this.
#pragma once

#include <atomic>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <unistd.h>

namespace forager::test {

class TempFolder {
 public:
  TempFolder() {
    static std::atomic<unsigned> made;
    path_ = std::filesystem::temp_directory_path() /
            ("forager-" + std::to_string(::getpid()) + "-" + std::to_string(++made));
    std::filesystem::remove_all(path_);  // of an earlier process with this number, which was killed
    if (!std::filesystem::create_directory(path_)) throw std::runtime_error("can't make " + path());
  }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  ~TempFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  std::string path() const { return path_.string(); }

 private:
  std::filesystem::path path_;
};

}  // namespace forager::test
