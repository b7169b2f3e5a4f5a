#include "watched_file.hpp"

#include <fmt/format.h>

#include <exception>
#include <utility>

#include "text_file.hpp"

namespace reachback::service {

WatchedFile::WatchedFile(std::string path, std::string text, TakeFunction take, LogFunction log)
    : path_(std::move(path)), take_(std::move(take)), log_(std::move(log)), text_(std::move(text)) {}

// Small files cost nothing to read, and no change can hide from it, as one could from their times.
void WatchedFile::look() {
  try {
    std::string text = read_text_file(path_);
    if (text != text_) {
      take_(text);
      text_ = std::move(text);
      log_(LogLevel::info, fmt::format("{} has changed", path_));
    }
    fault_.clear();
  } catch (std::exception const& error) {
    if (fault_ == error.what()) return;
    fault_ = error.what();
    log_(LogLevel::error, fmt::format("what {} held before stays in force: {}", path_, fault_));
  }
}

FileWatch::FileWatch(WatchedFile file) : file_(std::move(file)), thread_([this] { run(); }) {}

FileWatch::~FileWatch() {
  {
    std::lock_guard const lock(mutex_);
    over_ = true;
  }
  over_changed_.notify_one();
  thread_.join();
}

void FileWatch::run() {
  std::unique_lock lock(mutex_);
  while (!over_changed_.wait_for(lock, interval, [this] { return over_; })) file_.look();
}

}  // namespace reachback::service
