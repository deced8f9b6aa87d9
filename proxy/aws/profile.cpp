#include "aws/profile.h"

#include <algorithm>
#include <map>
#include <string_view>

#include <fmt/format.h>

#include "aws/keys.h"

namespace forager::aws {
namespace {

using Section = std::map<std::string, std::string, std::less<>>;

std::string_view trim(std::string_view text) {
  const auto blank = [](char c) { return c == ' ' || c == '\t' || c == '\r'; };
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && blank(text.back())) text.remove_suffix(1);
  return text;
}

/// A comment behind a value begins with a blank and # or ;.
std::string_view without_comment(std::string_view value) {
  for (std::size_t i = 1; i < value.size(); ++i) {
    const bool begins = value[i] == '#' || value[i] == ';';
    if (begins && (value[i - 1] == ' ' || value[i - 1] == '\t')) return trim(value.substr(0, i));
  }
  return trim(value);
}

std::string lower(std::string_view text) {
  std::string made(text);
  for (char& c : made) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  }
  return made;
}

/// The name of the profile that a section header begins; empty: a section of another kind.
std::string_view profile_of(std::string_view header, bool config) {
  std::string_view name = trim(header);
  if (!config || name == "default") return name;
  constexpr std::string_view word = "profile";
  if (!name.starts_with(word)) return {};
  name = name.substr(word.size());
  if (name.empty() || (name.front() != ' ' && name.front() != '\t')) return {};
  name = trim(name);
  const bool quoted = name.size() >= 2 && name.front() == name.back() &&
                      (name.front() == '"' || name.front() == '\'');
  return quoted ? trim(name.substr(1, name.size() - 2)) : name;
}

/// One file: the settings of one profile.
struct File {
  std::string path;
  bool config = false;
  bool there = false;
  bool has_profile = false;
  Section settings;
  std::optional<Fault> trouble;

  std::string value(std::string_view name) const {
    const auto found = settings.find(name);
    return found == settings.end() ? std::string() : found->second;
  }
  bool has(std::string_view name) const { return !value(name).empty(); }
};

void take_line(File& into, std::string_view line, int number, std::string_view wanted,
               bool& inside) {
  const std::string_view text = trim(line);
  if (text.empty() || text.front() == '#' || text.front() == ';') return;
  if (line.front() == ' ' || line.front() == '\t') return;
  if (text.front() == '[') {
    const std::size_t close = text.find(']');
    if (close == std::string_view::npos) {
      into.trouble = fault(fmt::format("{}:{}: a section has no closing ]", into.path, number));
      return;
    }
    inside = profile_of(text.substr(1, close - 1), into.config) == wanted;
    into.has_profile |= inside;
    return;
  }
  const std::size_t equals = text.find('=');
  if (equals == std::string_view::npos) {
    into.trouble =
        fault(fmt::format("{}:{}: neither [section] nor name = value", into.path, number));
    return;
  }
  if (!inside) return;
  into.settings[lower(trim(text.substr(0, equals)))] = without_comment(text.substr(equals + 1));
}

File read_one(const std::string& path, bool config, std::string_view wanted, const ReadFile& read) {
  File made;
  made.path = path;
  made.config = config;
  if (path.empty()) return made;
  auto text = read(path);
  if (!text) {
    made.trouble = fault(fmt::format("{}: {}", path, text.error().what));
    return made;
  }
  if (!*text) return made;
  made.there = true;
  const Secret content(std::move(**text));  // wiped when it has been read
  std::string_view left = content.reveal();
  if (left.starts_with("\xEF\xBB\xBF")) left.remove_prefix(3);
  bool inside = false;
  for (int number = 1; !left.empty() && !made.trouble; ++number) {
    const std::size_t end = left.find('\n');
    take_line(made, left.substr(0, end), number, wanted, inside);
    left = end == std::string_view::npos ? std::string_view() : left.substr(end + 1);
  }
  return made;
}

std::string section_of(const File& file, std::string_view profile) {
  return fmt::format("profile '{}' in {}", profile, file.path);
}

/// The pair of one file, where it is whole.
std::optional<destination::AwsKeys> pair_of(const File& file, Profile& into) {
  const bool id = file.has("aws_access_key_id");
  const bool secret = file.has("aws_secret_access_key");
  if (!id && !secret) return std::nullopt;
  if (id != secret) {
    into.trouble = fault(fmt::format("{} has {} but no {}: add it, or take the other out",
                                     section_of(file, into.name),
                                     id ? "aws_access_key_id" : "aws_secret_access_key",
                                     id ? "aws_secret_access_key" : "aws_access_key_id"));
    return std::nullopt;
  }
  if (const auto why = unfit_key_id(file.value("aws_access_key_id")); !why.empty()) {
    into.trouble = fault(fmt::format("{}: aws_access_key_id {}", section_of(file, into.name), why));
    return std::nullopt;
  }
  into.where = section_of(file, into.name);
  return destination::AwsKeys{file.value("aws_access_key_id"),
                              Secret(file.value("aws_secret_access_key")),
                              Secret(file.value("aws_session_token"))};
}

constexpr std::string_view instead =
    "Forager runs where nobody can log in: give it plain keys, web identity (EKS), or the role of "
    "the ECS task, the pod or the instance";

/// Kinds of credentials that need a program, a browser or another call.
std::optional<Fault> unsupported(const File& file, const Profile& profile) {
  const std::string where = section_of(file, profile.name);
  if (file.has("role_arn") && (file.has("source_profile") || file.has("credential_source"))) {
    return fault(fmt::format("{} assumes a role from another profile, which is not supported: {}",
                             where, instead));
  }
  if (profile.keys) return std::nullopt;
  for (const std::string_view name :
       {"credential_process", "sso_session", "sso_start_url", "sso_account_id", "login_session"}) {
    if (file.has(name)) {
      return fault(fmt::format("{} uses {}, which is not supported: {}", where, name, instead));
    }
  }
  if (file.has("role_arn") && !file.has("web_identity_token_file")) {
    return fault(
        fmt::format("{} has role_arn without web_identity_token_file, which is not "
                    "supported: {}",
                    where, instead));
  }
  return std::nullopt;
}

/// A file or a profile that was named and isn't there.
std::optional<Fault> missing(const Environment& with, const File& credentials, const File& config) {
  if (!with.credentials_file.empty() && !credentials.there) {
    return fault(
        fmt::format("{} (AWS_SHARED_CREDENTIALS_FILE) does not exist: mount it or unset "
                    "the variable",
                    with.credentials_file));
  }
  if (!with.profile.empty() && !credentials.has_profile && !config.has_profile) {
    return fault(fmt::format("there is no profile '{}' (AWS_PROFILE) in {} or {}", with.profile,
                             credentials.path.empty() ? "~/.aws/credentials" : credentials.path,
                             config.path.empty() ? "~/.aws/config" : config.path));
  }
  return std::nullopt;
}

std::string place_of(const std::string& given, const std::string& home, std::string_view standard) {
  if (!given.empty()) {
    const bool from_home = given.starts_with("~/") && !home.empty();
    return from_home ? home + given.substr(1) : given;
  }
  return home.empty() ? std::string() : home + std::string(standard);
}

}  // namespace

Profile read_profile(const Environment& with, const ReadFile& read) {
  Profile made;
  made.name = with.profile.empty() ? "default" : with.profile;
  const File credentials = read_one(place_of(with.credentials_file, with.home, "/.aws/credentials"),
                                    false, made.name, read);
  const File config =
      read_one(place_of(with.config_file, with.home, "/.aws/config"), true, made.name, read);
  made.region = credentials.has("region") ? credentials.value("region") : config.value("region");
  for (const File* file : {&credentials, &config}) {
    if (file->trouble && !made.trouble) made.trouble = file->trouble;
  }
  if (!made.trouble) made.trouble = missing(with, credentials, config);
  for (const File* file : {&credentials, &config}) {
    if (made.trouble) return made;
    if (!made.keys) made.keys = pair_of(*file, made);
  }
  for (const File* file : {&config, &credentials}) {
    if (!made.trouble) made.trouble = unsupported(*file, made);
    if (made.trouble || made.keys || !file->has("web_identity_token_file")) continue;
    made.role_arn = file->value("role_arn");
    made.role_session_name = file->value("role_session_name");
    made.web_identity_token_file = file->value("web_identity_token_file");
    made.where = section_of(*file, made.name);
  }
  return made;
}

}  // namespace forager::aws
