#include "config/cli.h"

#include <algorithm>
#include <array>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "config/nearest.h"
#include "config/settings.h"
#include "config/values.h"

namespace forager::config {
namespace {

struct CommandRow {
  std::string_view name;
  CommandKind kind;
  bool takes_settings;
};
constexpr std::array<CommandRow, 9> commands{{{"run", CommandKind::run, true},
                                              {"check", CommandKind::check, true},
                                              {"config", CommandKind::config, true},
                                              {"healthcheck", CommandKind::healthcheck, true},
                                              {"demo", CommandKind::demo, false},
                                              {"doctor", CommandKind::doctor, true},
                                              {"journal", CommandKind::journal, true},
                                              {"version", CommandKind::version, false},
                                              {"help", CommandKind::help, false}}};

/// CLI11's App with our options; its own help and messages aren't used, because they don't know the
/// table.
class Parser {
 public:
  Parser() {
    app_.set_help_flag();
    app_.allow_extras();
    app_.add_flag("-h,--help", help_)->disable_flag_override();
    app_.add_flag("-V,--version", version_)->disable_flag_override();
    values_.resize(settings().size());
    for (const Setting& one : settings()) {
      app_.add_option(fmt::format("--{}", one.flag), values_[index_of(one)])
          ->expected(1)
          ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    }
    for (const CommandRow& row : commands) add(row);
  }

  Result<Command> run(std::span<const std::string> arguments) {
    // CLI11 takes them from the back.
    std::vector<std::string> reversed(arguments.rbegin(), arguments.rend());
    try {
      app_.parse(std::move(reversed));
    } catch (const CLI::ArgumentMismatch&) {
      return incomplete(arguments);
    } catch (const CLI::ParseError& problem) {
      return fault(fmt::format("{}; see forager --help", in_quotes(problem.get_name())));
    }
    if (help_ || version_) {
      Command made;
      made.kind = help_ ? CommandKind::help : CommandKind::version;
      return made;
    }
    if (auto unknown = unknown_word(); !unknown.empty()) return fault(std::move(unknown));
    return chosen();
  }

 private:
  void add(const CommandRow& row) {
    CLI::App* command = app_.add_subcommand(std::string(row.name));
    command->set_help_flag();
    command->allow_extras();
    command->fallthrough();
    if (row.kind == CommandKind::config) {
      command->add_flag("--json", made_.json)->disable_flag_override();
      command->add_flag("--reference", made_.reference)->disable_flag_override();
    } else if (row.kind == CommandKind::healthcheck) {
      command->add_flag("--live", live_)->disable_flag_override();
      command->add_flag("--ready", made_.ready)->disable_flag_override();
      command->add_option("--url", made_.url);
    } else if (row.kind == CommandKind::demo) {
      command->add_option("--endpoint", made_.endpoint);
    } else if (row.kind == CommandKind::doctor) {
      command->add_flag("--json", made_.json)->disable_flag_override();
    } else if (row.kind == CommandKind::journal) {
      add_journal(*command);
    }
  }

  void add_journal(CLI::App& command) {
    JournalWords& with = made_.journal;
    command.add_option("words", with.words);
    command.add_flag("--json", made_.json)->disable_flag_override();
    command.add_flag("--quarantined", with.quarantined)->disable_flag_override();
    command.add_flag("--yes", with.yes)->disable_flag_override();
    command.add_option("--destination", with.destination);
    command.add_option("--signal", with.signal);
    command.add_option("--format", with.format);
    command.add_option("--before", with.before);
    command.add_option("--limit", with.limit);
  }

  Result<Command> chosen() {
    const CommandRow* row = commands.data();
    std::size_t count = 0;
    for (const CommandRow& one : commands) {
      if (!app_.got_subcommand(std::string(one.name))) continue;
      row = &one;
      ++count;
    }
    if (count > 1) return fault("two commands at once; give one, see forager --help");
    made_.kind = row->kind;
    for (const Setting& one : settings()) {
      for (std::string& value : values_[index_of(one)]) {
        made_.settings.push_back({std::string(one.flag), std::move(value)});
      }
    }
    if (!row->takes_settings && !made_.settings.empty()) {
      return fault(fmt::format("--{} means nothing to forager {}; leave it out",
                               made_.settings.front().name, row->name));
    }
    if (live_ && made_.ready) return fault("--live and --ready at once; give one of them");
    return std::move(made_);
  }

  /// What to say about the first word that nothing took; empty if there is none. A word after an
  /// unknown flag may be its value, and the text after = is one: neither is repeated.
  std::string unknown_word() const {
    const auto rest = app_.remaining(true);
    if (rest.empty()) return {};
    const auto flag = std::ranges::find_if(rest, [](auto& word) { return word.starts_with('-'); });
    if (flag != rest.end()) return unknown_flag(flag->substr(0, flag->find('=')));
    if (const auto chosen = app_.get_subcommands(); !chosen.empty()) {
      return fmt::format("unexpected {} after forager {}; leave it out", in_quotes(rest.front()),
                         chosen.front()->get_name());
    }
    std::vector<std::string_view> names;
    for (const CommandRow& row : commands) names.push_back(row.name);
    const auto right = nearest(rest.front(), names);
    return fmt::format("unknown command {}; {}", in_quotes(rest.front()),
                       right.empty() ? std::string("see forager --help")
                                     : fmt::format("did you mean forager {}?", right));
  }

  static std::string unknown_flag(const std::string& name) {
    struct Own {
      std::string_view flag;
      std::string_view command;
    };
    static constexpr std::array<Own, 13> own{{{"json", "config"},
                                              {"reference", "config"},
                                              {"live", "healthcheck"},
                                              {"ready", "healthcheck"},
                                              {"url", "healthcheck"},
                                              {"endpoint", "demo"},
                                              {"destination", "journal"},
                                              {"signal", "journal"},
                                              {"format", "journal"},
                                              {"before", "journal"},
                                              {"limit", "journal"},
                                              {"quarantined", "journal"},
                                              {"yes", "journal"}}};
    auto known = flag_names();
    for (const Own& one : own) {
      if (name == fmt::format("--{}", one.flag)) {
        return fmt::format("{} belongs to forager {}; write forager {} {}", name, one.command,
                           one.command, name);
      }
      known.push_back(one.flag);
    }
    known.insert(known.end(), {"help", "version"});
    const auto right = nearest(name, known);
    return fmt::format("unknown flag {}; {}", in_quotes(name),
                       right.empty() ? std::string("see forager --help")
                                     : fmt::format("did you mean --{}?", right));
  }

  /// CLI11 doesn't say in a usable form which flag lacks its value: it is the last word, or one
  /// with a value it can't have.
  static Fault incomplete(std::span<const std::string> arguments) {
    for (const std::string& word : arguments) {
      const std::string name = word.substr(0, word.find('='));
      for (const auto* own : {"--json", "--reference", "--live", "--ready", "--help", "--version",
                              "--quarantined", "--yes"}) {
        if (name == own && name != word) return fault(fmt::format("{} takes no value", name));
      }
    }
    const std::string last = arguments.empty() ? "" : arguments.back();
    return fault(fmt::format("{} needs a value; write {} VALUE",
                             last.starts_with("--") ? last : "a flag",
                             last.starts_with("--") ? last : "--flag"));
  }

  CLI::App app_;
  Command made_;
  bool help_ = false;
  bool version_ = false;
  bool live_ = false;
  std::vector<std::vector<std::string>> values_;
};

}  // namespace

Result<Command> parse_command_line(std::span<const std::string> arguments) {
  return Parser().run(arguments);
}

}  // namespace forager::config
