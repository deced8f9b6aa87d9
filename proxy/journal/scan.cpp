#include "journal/scan.h"

#include <algorithm>
#include <cstring>

namespace forager::journal {
namespace {

using format::Frame;
using format::Type;

std::uint32_t word_at(std::string_view bytes, std::size_t at) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    value |= std::uint32_t{static_cast<unsigned char>(bytes[at + i])} << (8 * i);
  }
  return value;
}

class Scanner {
 public:
  explicit Scanner(std::string_view bytes) : bytes_(bytes) {}

  Scan run() {
    std::size_t at = begin();
    if (made_.state != Scan::State::good && made_.state != Scan::State::headless) {
      made_.blank = bytes_.find_first_not_of('\0') == std::string_view::npos;
      return made_;
    }
    made_.end = at;
    while (at + format::frame_head <= bytes_.size()) {
      const auto frame = format::frame_at(bytes_, at, mark_);
      if (!frame) {
        const std::size_t next = next_frame(at + 8);
        if (next == 0) break;  // the rest was never finished
        made_.damage.push_back({at, next - at});
        doubt(at, next);
        at = next;
        continue;
      }
      take(*frame);
      at += format::padded(format::frame_head + frame->payload.size());
      made_.end = std::min(at, bytes_.size());
    }
    // behind it lies what was never answered, as far as anyone can tell
    std::erase_if(made_.damage, [this](const auto& d) { return d.offset >= made_.durable_end; });
    return std::move(made_);
  }

 private:
  /// Where the frames begin, and their mark.
  std::size_t begin() {
    if (const auto header = format::read_header(bytes_)) {
      if (header->version > format::version) {
        made_.state = Scan::State::newer;
        return 0;
      }
      made_.state = Scan::State::good;
      made_.header = *header;
      mark_ = header->mark;
      return header->bytes;
    }
    // without its header, a segment still has frames whose checksums cover their mark
    if (bytes_.size() < format::header_bytes + format::frame_head) return 0;
    const std::uint32_t mark = word_at(bytes_, format::header_bytes);
    if (mark == 0 || !format::frame_at(bytes_, format::header_bytes, mark)) return 0;
    made_.state = Scan::State::headless;
    mark_ = mark;
    return format::header_bytes;
  }

  /// 0: there is none any more. A mark that is no frame is checked only up to a bound, so that no
  /// content makes this slow.
  std::size_t next_frame(std::size_t from) {
    for (std::size_t at = from; at + format::frame_head <= bytes_.size(); at += 8) {
      if (word_at(bytes_, at) != mark_) continue;
      if (checked_ > bytes_.size() * 4 + (1U << 20U)) return 0;
      checked_ += word_at(bytes_, at + 4) < bytes_.size() ? word_at(bytes_, at + 4) : 16;
      if (format::frame_at(bytes_, at, mark_)) return at;
    }
    return 0;
  }

  void doubt(std::size_t at, std::size_t next) {
    if (next - at <= format::frame_head + format::record_head) return;
    const Frame frame{Type::record, at,
                      bytes_.substr(at + format::frame_head, next - at - format::frame_head)};
    if (const auto record = format::read_record(frame)) made_.doubtful.push_back(record->record);
  }

  void take(const Frame& frame) {
    switch (frame.type) {
      case Type::record:
      case Type::replayed:
        if (auto found = format::read_record(frame)) made_.said.emplace_back(std::move(*found));
        return;
      case Type::destination:
        if (auto found = format::read_destination(frame.payload))
          made_.said.emplace_back(std::move(*found));
        return;
      case Type::settled:
        if (auto found = format::read_ranges(frame.type, frame.payload)) {
          made_.said.emplace_back(std::move(*found));
          made_.unproven = true;
        }
        return;
      case Type::snapshot:
        if (auto found = format::read_ranges(frame.type, frame.payload))
          snapshot_.push_back(std::move(*found));
        return;
      case Type::snapshot_end: {
        const auto count = format::read_snapshot_end(frame.payload);
        if (count && *count == snapshot_.size()) {
          made_.lists_quarantine = list_.has_value();
          made_.said.emplace_back(SnapshotOf{std::move(snapshot_), std::move(list_)});
          made_.has_snapshot = made_.unproven = true;
        }
        snapshot_.clear();
        list_.reset();
        return;
      }
      case Type::voided:
        if (const auto found = format::read_ranges(frame.type, frame.payload)) {
          made_.voided.insert(made_.voided.end(), found->ranges.begin(), found->ranges.end());
          made_.unproven = true;
        }
        return;
      case Type::group:
        if (auto found = format::read_group(frame.payload))
          made_.groups.push_back(std::move(*found));
        return;
      case Type::removed:
        made_.removed.emplace_back(frame.payload);
        made_.unproven = true;
        return;
      case Type::commit:
        if (const auto found = format::read_commit(frame.payload)) {
          made_.durable_end = frame.offset;
          made_.unproven = !found->voided.empty();  // by the next one
          made_.through = std::max(made_.through, found->through);
          made_.destinations = std::max(made_.destinations, found->destinations);
          made_.voided.insert(made_.voided.end(), found->voided.begin(), found->voided.end());
        }
        return;
      default:
        take_quarantine(frame);
        return;
    }
  }

  void take_quarantine(const Frame& frame) {
    if (frame.type == Type::quarantined) {
      if (auto found = format::read_quarantined(frame.payload)) {
        const std::size_t offset = frame.offset + format::frame_head;
        made_.said.emplace_back(FoundQuarantined{std::move(*found), offset});
        made_.unproven = true;
      }
    } else if (frame.type == Type::quarantine_list) {
      list_ = format::read_quarantine_list(frame.payload);
    } else if (frame.type == Type::quarantine_gone) {
      if (auto found = format::read_ranges(frame.type, frame.payload)) {
        made_.said.emplace_back(QuarantineGone{std::move(found->ranges)});
        made_.unproven = true;
      }
    }  // else it is of a later version
  }

  std::string_view bytes_;
  std::uint32_t mark_ = 0;
  std::size_t checked_ = 0;
  std::vector<format::CursorRanges> snapshot_;
  std::optional<format::QuarantineList> list_;
  Scan made_;
};

}  // namespace

Scan scan_segment(std::string_view bytes) { return Scanner(bytes).run(); }

}  // namespace forager::journal
