#include "config/cli.h"

#include <algorithm>
#include <array>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "config/cli_words.h"
#include "config/nearest.h"
#include "config/routes.h"
#include "config/settings.h"
#include "config/values.h"

namespace forager::config {
namespace {

struct CommandRow {
  std::string_view name;
  CommandKind kind;
  bool takes_settings;
  std::string_view text;
};
constexpr std::array<CommandRow, 11> commands{{
    {"run", CommandKind::run, true, "Receive and deliver until SIGTERM; also without a command."},
    {"check", CommandKind::check, true, "Check all settings and files, start nothing."},
    {"config", CommandKind::config, true, "Each effective setting and where it comes from."},
    {"healthcheck", CommandKind::healthcheck, true,
     "Ask the Forager of these settings whether it is well."},
    {"demo", CommandKind::demo, false, "Send sample traces, metrics and logs."},
    {"doctor", CommandKind::doctor, true,
     "Ask every destination whether it would take what comes."},
    {"journal", CommandKind::journal, true,
     "Look at what is kept on disk, of a Forager that runs or not."},
    {"version", CommandKind::version, false, "Print the version."},
    {"completion", CommandKind::completion, false, "Print the completions of a shell."},
    {"man", CommandKind::man, false, "Print the manual page."},
    {"help", CommandKind::help, false, "Print the help."},
}};

constexpr std::array<WordText, 7> journal_commands{{
    {"ls", "What each destination holds, and in which files."},
    {"show", "Records as OTLP/JSON: the one of this number, else the first of those held."},
    {"verify", "Check every checksum; exit 1 with a table if there is damage."},
    {"export", "Write what is held as OTLP files into a directory."},
    {"replay", "Send exported files to the Forager that runs, or quarantined items again."},
    {"drop", "Give up what a destination holds."},
    {"release", "Give up all that a destination holds which was taken out of the settings."},
}};
constexpr std::array<WordText, 3> shells{{
    {"bash", "To be read by bash-completion."},
    {"zsh", "A file _forager in the fpath."},
    {"fish", "A file forager.fish in fish's completions."},
}};

/// CLI11's App with our options; its own help and messages aren't used, because they don't know the
/// table.
class Parser {
 public:
  Parser() {
    app_.set_help_flag();
    app_.allow_extras();
    flag(app_, "-h,--help", help_, "Print the help.");
    flag(app_, "-V,--version", version_, "Print the version.");
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

  CommandLine describe() const {
    CommandLine line;
    line.everywhere = flags_of(app_);
    std::erase_if(line.everywhere, [](const FlagWords& one) {
      return one.name != "--help" && one.name != "--version";
    });
    for (const CommandRow& row : commands) {
      CommandWords& made = line.commands.emplace_back();
      made.name = row.name;
      made.text = row.text;
      made.takes_settings = row.takes_settings;
      made.flags = flags_of(*app_.get_subcommand(std::string(row.name)));
      if (row.kind == CommandKind::journal) made.words = journal_commands;
      if (row.kind == CommandKind::completion) made.words = shells;
    }
    return line;
  }

 private:
  /// From CLI11 itself, so that none can be forgotten.
  static std::vector<FlagWords> flags_of(const CLI::App& of) {
    std::vector<FlagWords> flags;
    for (const CLI::Option* one : of.get_options()) {
      if (one->get_positional()) continue;
      FlagWords& made = flags.emplace_back();
      made.name = "--" + one->get_lnames().front();
      if (!one->get_snames().empty()) made.short_name = "-" + one->get_snames().front();
      if (one->get_expected_max() > 0) made.value = one->get_type_name();
      made.text = one->get_description();
      made.words = words_of(made.name);
    }
    return flags;
  }

  static std::vector<std::string_view> words_of(std::string_view flag) {
    if (flag == "--destination") return {destination_names.begin(), destination_names.end()};
    if (flag == "--signal") return {"traces", "metrics", "logs", "segments"};
    if (flag == "--format") return {"json", "proto"};
    return {};
  }

  void add(const CommandRow& row) {
    CLI::App* command = app_.add_subcommand(std::string(row.name), std::string(row.text));
    command->set_help_flag();
    command->allow_extras();
    command->fallthrough();
    if (row.kind == CommandKind::config) {
      flag(*command, "--json", made_.json, "As JSON.");
      flag(*command, "--reference", made_.reference, "The reference page as Markdown.");
    } else if (row.kind == CommandKind::healthcheck) {
      flag(*command, "--live", live_, "Whether it lives (default).");
      flag(*command, "--ready", made_.ready, "Whether it takes requests: not while it drains.");
      option(*command, "--url", made_.url, "URL", "Ask there, as http://HOST:PORT.");
    } else if (row.kind == CommandKind::demo) {
      option(*command, "--endpoint", made_.endpoint, "URL",
             "Where to (default: http://localhost:4318).");
    } else if (row.kind == CommandKind::doctor) {
      flag(*command, "--json", made_.json, "As JSON.");
      flag(*command, "--create", made_.create, "Make what is missing at a destination, to try it.");
    } else if (row.kind == CommandKind::journal) {
      add_journal(*command);
    } else if (row.kind == CommandKind::completion) {
      command->add_option("shell", made_.shell);
    }
  }

  void add_journal(CLI::App& command) {
    JournalWords& with = made_.journal;
    command.add_option("words", with.words);
    flag(command, "--json", made_.json, "As JSON.");
    flag(command, "--quarantined", with.quarantined, "What a destination refuses even alone.");
    flag(command, "--yes", with.yes, "Do it; without, say what would go.");
    option(command, "--destination", with.destination, "NAME", "Of this destination alone.");
    option(command, "--signal", with.signal, "NAME", "Of this signal alone.");
    option(command, "--format", with.format, "NAME", "Form of the files: json (default) or proto.");
    option(command, "--before", with.before, "TIME", "Older than 2h, or 2026-11-24T06:00:00Z.");
    option(command, "--limit", with.limit, "N", "At most so many records (default: 10).");
  }

  static void flag(CLI::App& of, const char* name, bool& into, const char* text) {
    of.add_flag(name, into, text)->disable_flag_override();
  }
  static void option(CLI::App& of, const char* name, std::string& into, const char* type,
                     const char* text) {
    of.add_option(name, into, text)->type_name(type);
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
    if (row->kind == CommandKind::completion &&
        std::ranges::find(shells, made_.shell, &WordText::word) == shells.end()) {
      return fault("forager completion prints what one shell reads; write bash, zsh or fish");
    }
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
    static constexpr std::array<Own, 14> own{{{"json", "config"},
                                              {"reference", "config"},
                                              {"live", "healthcheck"},
                                              {"ready", "healthcheck"},
                                              {"url", "healthcheck"},
                                              {"endpoint", "demo"},
                                              {"create", "doctor"},
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
                              "--quarantined", "--yes", "--create"}) {
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

CommandLine describe_command_line() { return Parser().describe(); }

}  // namespace forager::config
