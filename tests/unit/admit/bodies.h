// Small bodies for the tests of admission.
#pragma once

#include <string>

#include <libdeflate.h>

#include "base/bytes.h"

namespace forager::admit {

/// A message field of less than 128 bytes.
inline std::string field(int number, const std::string& content) {
  return std::string{static_cast<char>(number << 3 | 2), static_cast<char>(content.size())} +
         content;
}
inline std::string span(const std::string& name) { return field(2, field(5, name)); }
/// An ExportTraceServiceRequest with these spans (each under 100 bytes in all).
inline std::string traces(const std::string& spans) { return field(1, field(2, spans)); }
inline std::string two_spans() { return traces(span("a") + span("b")); }
inline std::string many_spans(int count) {
  std::string all;
  for (int i = 0; i < count; ++i) all += traces(span("span number " + std::to_string(i)));
  return all;
}
inline std::string two_spans_json() {
  return R"({"resourceSpans":[{"scopeSpans":[{"spans":[{"name":"a"},{"name":"b"}]}]}]})";
}
inline std::string gzip(const std::string& text) {
  libdeflate_compressor* const c = libdeflate_alloc_compressor(6);
  std::string out(text.size() + 256, '\0');
  out.resize(libdeflate_gzip_compress(c, text.data(), text.size(), out.data(), out.size()));
  libdeflate_free_compressor(c);
  return out;
}

}  // namespace forager::admit
