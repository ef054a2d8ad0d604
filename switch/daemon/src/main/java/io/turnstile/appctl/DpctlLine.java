package io.turnstile.appctl;

import io.turnstile.control.CommandReply;
import java.math.BigInteger;
import java.util.List;
import java.util.Set;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The words of a {@code dpctl/…} command as ovs-vswitchd(8) has them: options first, then perhaps the datapath.
 *
 * @param words the words behind the options
 * @param more {@code -m}
 * @param statistics {@code -s}
 * @param mayCreate {@code --may-create}: what is not there to be changed is made
 * @param json {@code -f json}: lines are JSON objects
 * @param dryRun {@code --dry-run}: only say what would be done
 */
record DpctlLine(
        List<String> words, boolean more, boolean statistics, boolean mayCreate, boolean json, boolean dryRun) {
    /** Options that some commands have besides Open vSwitch's. */
    enum Extra {
        /** {@code -f text}, {@code -f json}. */
        FORMAT,
        /** {@code --dry-run}. */
        DRY_RUN
    }

    private static final Set<String> LONG_OPTIONS =
            Set.of("--more", "--statistics", "--clear", "--may-create", "--names", "--no-names");
    private static final Pattern NUMBER = Pattern.compile("\\s*([-+]?\\d+).*", Pattern.DOTALL);
    private static final String INVALID = " (Invalid argument)";

    /** The handler of a command whose options are read before it runs. */
    static Function<List<String>, CommandReply> handler(Function<DpctlLine, CommandReply> command) {
        return words -> run(words, command);
    }

    /** The same for a command with options of its own. */
    static Function<List<String>, CommandReply> handler(Set<Extra> extras, Function<DpctlLine, CommandReply> command) {
        return words -> run(words, extras, command);
    }

    /** The same for a command whose datapath, if it is named, has to be there: see {@link #wrongDatapath}. */
    static Function<List<String>, CommandReply> handler(
            int most, Supplier<String> datapath, Function<DpctlLine, CommandReply> command) {
        return handler(line -> {
            CommandReply wrong = line.wrongDatapath(most, datapath.get());
            return wrong != null ? wrong : command.apply(line);
        });
    }

    /** Reads the options that stand before the other words, and runs the command. */
    static CommandReply run(List<String> words, Function<DpctlLine, CommandReply> command) {
        return run(words, Set.of(), command);
    }

    static CommandReply run(List<String> words, Set<Extra> extras, Function<DpctlLine, CommandReply> command) {
        boolean more = false;
        boolean statistics = false;
        boolean mayCreate = false;
        boolean json = false;
        boolean dryRun = false;
        int options = 0;
        for (;
                options < words.size()
                        && words.get(options).startsWith("-")
                        && words.get(options).length() > 1;
                options++) {
            String option = words.get(options);
            if (extras.contains(Extra.DRY_RUN) && option.equals("--dry-run")) {
                dryRun = true;
                continue;
            }
            if (extras.contains(Extra.FORMAT) && (option.equals("-f") || option.startsWith("--format="))) {
                boolean separate = option.equals("-f");
                options += separate ? 1 : 0;
                String format = separate ? options < words.size() ? words.get(options) : "" : option.substring(9);
                if (!format.equals("json") && !format.equals("text")) {
                    return invalid("the format is text or json");
                }
                json = format.equals("json");
                continue;
            }
            String unknown = unknownOption(option);
            if (unknown != null) {
                return CommandReply.error("Unrecognized option " + unknown);
            }
            boolean letters = !option.startsWith("--");
            more |= option.equals("--more") || letters && option.contains("m");
            statistics |= option.equals("--statistics") || letters && option.contains("s");
            mayCreate |= option.equals("--may-create");
        }
        return command.apply(
                new DpctlLine(words.subList(options, words.size()), more, statistics, mayCreate, json, dryRun));
    }

    /** The same line with other words. */
    DpctlLine with(List<String> otherWords) {
        return new DpctlLine(otherWords, more, statistics, mayCreate, json, dryRun);
    }

    private static @Nullable String unknownOption(String option) {
        if (option.startsWith("--")) {
            return LONG_OPTIONS.contains(option) ? null : option;
        }
        return option.substring(1)
                .chars()
                .filter(letter -> letter != 'm' && letter != 's')
                .mapToObj(letter -> "-" + (char) letter)
                .findFirst()
                .orElse(null);
    }

    static CommandReply invalid(String text) {
        return CommandReply.error("ovs-vswitchd: " + text + INVALID);
    }

    /**
     * The error for a datapath that is not there: where there are as many words as there can be, the first must be its
     * name. Null if all is well.
     *
     * @param datapath its name; empty while there is none
     */
    @Nullable
    CommandReply wrongDatapath(int most, String datapath) {
        if (hasDatapath(datapath)) {
            return null;
        }
        CommandReply notFound = invalid("datapath not found");
        if (words.size() == most) {
            return notFound;
        }
        return datapath.isEmpty() ? CommandReply.error("ovs-vswitchd: no datapaths exist\n" + notFound.text()) : null;
    }

    private boolean hasDatapath(String datapath) {
        return !datapath.isEmpty() && !words.isEmpty() && words.getFirst().equals(datapath);
    }

    /** The words without the datapath's name. */
    List<String> arguments(String datapath) {
        return hasDatapath(datapath) ? words.subList(1, words.size()) : words;
    }

    String fromEnd(int index) {
        return index < words.size() ? words.get(words.size() - 1 - index) : "";
    }

    /** The line without its last word. */
    DpctlLine withoutLast() {
        return with(words.subList(0, words.size() - 1));
    }

    /**
     * The number as scanf's {@code %u} reads it: what follows the digits does not matter, what is too large or negative
     * wraps. Null if there are no digits.
     */
    static @Nullable Long unsigned32(String word) {
        Matcher number = NUMBER.matcher(word);
        return number.matches() ? Integer.toUnsignedLong(new BigInteger(number.group(1)).intValue()) : null;
    }

    /** The number as scanf's {@code %hu} reads it; null if there are no digits. */
    static @Nullable Integer unsigned16(String word) {
        Long number = unsigned32(word);
        return number == null ? null : (int) (number & 0xffff);
    }
}
