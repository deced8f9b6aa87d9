// Files on a real directory.
#pragma once

#include <string>

#include "journal/files.h"

namespace forager::journal {

class PosixFiles final : public Files {
 public:
  explicit PosixFiles(std::string directory) : directory_(std::move(directory)) {}
  ~PosixFiles() override;

  Result<void> lock() override;
  Result<std::vector<Entry>> list() override;
  Result<void> create(const std::string& name, std::size_t bytes) override;
  Result<void> write(const std::string& name, std::size_t offset,
                     std::span<const std::string_view> parts) override;
  Result<void> sync(const std::string& name) override;
  Result<Buffer> read(const std::string& name, std::size_t offset, std::size_t bytes) override;
  Result<void> remove(const std::string& name) override;
  Result<void> discard(const std::string& name) override;
  Result<Space> space() override;
  Result<void> set_aside(const std::string& name) override;
  const std::string& directory() const { return directory_; }

 private:
  std::string path(const std::string& name) const { return directory_ + "/" + name; }
  Fault failed(const char* doing, const std::string& name, int error) const;
  Result<int> open_for_writing(const std::string& name);
  Result<void> sync_directory();
  void close_open();

  std::string directory_;
  int lock_ = -1;
  int open_ = -1;  ///< the file written last
  std::string open_name_;
};

}  // namespace forager::journal
