#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "reachback/config.hpp"

namespace reachback::service {

/// A file that counts anew whenever its content changes.
class WatchedFile {
 public:
  using LogFunction = std::function<void(LogLevel, std::string_view)>;
  /// Puts new content in force, or throws StartError and leaves the old one.
  using TakeFunction = std::function<void(std::string_view)>;

  /// `text` is what is in force.
  WatchedFile(std::string path, std::string text, TakeFunction take, LogFunction log);

  /// Reads the file and takes what has changed. What is unreadable or makes no sense is logged once.
  void look();

 private:
  std::string const path_;
  TakeFunction const take_;
  LogFunction const log_;
  std::string text_;   ///< in force
  std::string fault_;  ///< that has been logged; empty: none
};

/// Looks at a file every second, on a thread of its own that ends with it.
class FileWatch {
 public:
  explicit FileWatch(WatchedFile file);
  ~FileWatch();
  FileWatch(FileWatch const&) = delete;
  FileWatch& operator=(FileWatch const&) = delete;

  static constexpr std::chrono::seconds interval{1};

 private:
  void run();

  WatchedFile file_;
  std::mutex mutex_;
  std::condition_variable over_changed_;
  bool over_ = false;
  std::thread thread_;
};

}  // namespace reachback::service
