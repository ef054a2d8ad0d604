package io.turnstile.pipeline.flow;

import io.turnstile.datapath.Field;
import io.turnstile.pipeline.flow.MatchField.Masked;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Flows in the syntax of {@code ovs-ofctl}: {@code table=1,priority=10,tcp,ct_state=+trk+est,actions=output:2}.
 *
 * <p>What the switch does not support is refused by name; what ovs-ofctl silently drops for want of a prerequisite
 * ({@code tp_dst=80} without {@code tcp}) is refused too. Threads: any.
 */
public final class FlowText {
    private static final int DEFAULT_PRIORITY = 0x8000;
    private static final Pattern ACTIONS = Pattern.compile("(^|[,\\s])actions?\\s*=");
    private static final Set<String> SHOWN_ONLY = Set.of(
            "duration", "n_packets", "n_bytes", "idle_age", "hard_age", "no_readonly_table", "allow_hidden_fields");

    private FlowText() {}

    /**
     * A line of {@code add-flow}, {@code mod-flows} or {@code del-flows}; port names other than reserved ones are
     * unknown.
     */
    public static FlowMod parseFlowMod(FlowMod.Command command, String line) throws FlowTextException {
        return parseFlowMod(command, line, PortNames.NONE);
    }

    /** The same with names of ports. */
    public static FlowMod parseFlowMod(FlowMod.Command command, String line, PortNames ports) throws FlowTextException {
        boolean writes = switch (command) {
            case ADD, MODIFY, MODIFY_STRICT -> true;
            case DELETE, DELETE_STRICT -> false;
        };
        String fields = line.strip();
        List<OfAction> actions = List.of();
        if (writes) {
            Matcher found = ACTIONS.matcher(fields);
            if (!found.find()) {
                throw new FlowTextException("must specify an action");
            }
            actions = new ActionParser(ports).parse(fields.substring(found.end()));
            fields = fields.substring(0, found.start());
        }
        FlowModLine read = new FlowModLine(command, ports);
        read.fields(fields);
        return read.build(actions);
    }

    /** Fields only, as {@code dump-flows} takes them. */
    public static Match parseMatch(String text) throws FlowTextException {
        return parseMatch(text, PortNames.NONE);
    }

    public static Match parseMatch(String text, PortNames ports) throws FlowTextException {
        MatchParser parser = new MatchParser(ports);
        KeyValueScanner scanner = new KeyValueScanner(text);
        while (scanner.next()) {
            if (!parser.accept(scanner.key(), scanner.value())) {
                throw new FlowTextException("unknown field " + scanner.key());
            }
        }
        return parser.build();
    }

    public static List<OfAction> parseActions(String text) throws FlowTextException {
        return parseActions(text, PortNames.NONE);
    }

    public static List<OfAction> parseActions(String text, PortNames ports) throws FlowTextException {
        return new ActionParser(ports).parse(text);
    }

    /** Empty for a match on everything. */
    public static String format(Match match) {
        return new MatchFormat(match, false).format();
    }

    /**
     * A packet's fields as {@code ofproto/trace} shows them: those of a match, and which recirculation it is in.
     *
     * @param recirculation 0 for none
     */
    public static String formatPacket(Match fields, long recirculation) {
        return new MatchFormat(fields, true).formatPacket(recirculation);
    }

    /** With {@code priority=…} in front unless it is the default 32768. */
    public static String format(Match match, int priority) {
        String fields = format(match);
        if (priority == DEFAULT_PRIORITY) {
            return fields;
        }
        return "priority=" + priority + (fields.isEmpty() ? "" : "," + fields);
    }

    /** {@code drop} for an empty list. */
    public static String format(List<OfAction> actions) {
        return format(actions, Match.ANY);
    }

    /**
     * The actions of a flow with that match; {@code drop} for an empty list.
     *
     * @param context the flow's match, which says whether a port is TCP's or UDP's
     */
    public static String format(List<OfAction> actions, Match context) {
        return new ActionFormat(context).format(actions);
    }

    /** One field of the key as ovs-fields(7) writes its value; the mask is left out if it is whole. */
    public static String formatField(Field field, long high, long low, long maskHigh, long maskLow) {
        List<MatchField> names = MatchField.of(field);
        return names.isEmpty()
                ? Numbers.hex(low)
                : ValueText.format(names.getFirst(), new Masked(high, low, maskHigh, maskLow));
    }

    /** The keywords of one flow modification. */
    private static final class FlowModLine {
        private final FlowMod.Command command;
        private final PortNames ports;
        private final MatchParser match;
        private final Set<FlowMod.Flag> flags = EnumSet.noneOf(FlowMod.Flag.class);
        private int table;
        private int priority = DEFAULT_PRIORITY;
        private long cookie;
        private long cookieMask;
        private int idleTimeout;
        private int hardTimeout;
        private int importance;
        private int outPort = OfAction.Ports.NONE;
        private int outGroup = GroupMod.ANY;

        FlowModLine(FlowMod.Command command, PortNames ports) {
            this.command = command;
            this.ports = ports;
            this.match = new MatchParser(ports);
            this.table = command == FlowMod.Command.ADD ? 0 : FlowMod.ALL_TABLES;
        }

        private boolean adds() {
            return command == FlowMod.Command.ADD;
        }

        private boolean deletes() {
            return command == FlowMod.Command.DELETE || command == FlowMod.Command.DELETE_STRICT;
        }

        private boolean takesPriority() {
            return command != FlowMod.Command.DELETE;
        }

        void fields(String text) throws FlowTextException {
            KeyValueScanner scanner = new KeyValueScanner(text);
            while (scanner.next()) {
                String key = scanner.key();
                if (!flag(key) && !SHOWN_ONLY.contains(key) && !match.accept(key, scanner.value())) {
                    keyword(key, scanner.value());
                }
            }
        }

        private boolean flag(String key) {
            FlowMod.Flag flag = deletes()
                    ? null
                    : switch (key) {
                        case "send_flow_rem" -> FlowMod.Flag.SEND_FLOW_REM;
                        case "check_overlap" -> FlowMod.Flag.CHECK_OVERLAP;
                        case "reset_counts" -> FlowMod.Flag.RESET_COUNTS;
                        case "no_packet_counts" -> FlowMod.Flag.NO_PKT_COUNTS;
                        case "no_byte_counts" -> FlowMod.Flag.NO_BYT_COUNTS;
                        default -> null;
                    };
            if (flag == null) {
                return false;
            }
            flags.add(flag);
            return true;
        }

        private void keyword(String key, String value) throws FlowTextException {
            if (value.isEmpty()) {
                throw new FlowTextException("field " + key + " missing value");
            }
            switch (key) {
                case "table" -> table = (int) Numbers.parse("table", value, 255);
                case "cookie" -> cookie(value);
                case "priority" -> {
                    refuseUnless(takesPriority(), key);
                    priority = (int) Numbers.parse(key, value, 0xffff);
                }
                case "idle_timeout" -> {
                    refuseUnless(!deletes(), key);
                    idleTimeout = (int) Numbers.parse(key, value, 0xffff);
                }
                case "hard_timeout" -> {
                    refuseUnless(!deletes(), key);
                    hardTimeout = (int) Numbers.parse(key, value, 0xffff);
                }
                case "importance" -> {
                    refuseUnless(adds(), key);
                    importance = (int) Numbers.parse(key, value, 0xffff);
                }
                case "out_port" -> {
                    refuseUnless(deletes(), key);
                    outPort = ports.parse(value)
                            .orElseThrow(() -> new FlowTextException(value + " is not a valid OpenFlow port"));
                }
                case "out_group" -> {
                    refuseUnless(deletes(), key);
                    outGroup = GroupText.groupId(value);
                }
                default -> throw new FlowTextException("unknown keyword " + key);
            }
        }

        private static void refuseUnless(boolean allowed, String key) throws FlowTextException {
            if (!allowed) {
                throw new FlowTextException("unknown keyword " + key);
            }
        }

        private void cookie(String value) throws FlowTextException {
            int slash = value.indexOf('/');
            if (slash >= 0 && adds()) {
                throw new FlowTextException("flow additions cannot use a cookie mask");
            }
            if (slash < 0 && deletes()) {
                throw new FlowTextException(
                        "cannot set cookie (to match on a cookie, specify a mask, e.g. cookie=" + value + "/-1)");
            }
            long[] masked = Numbers.parseMasked(value, 0);
            cookie = masked[0];
            cookieMask = masked[1];
        }

        FlowMod build(List<OfAction> actions) throws FlowTextException {
            return new FlowMod(
                    command,
                    table,
                    priority,
                    match.build(),
                    cookie,
                    cookieMask,
                    FlowMod.NO_COOKIE,
                    idleTimeout,
                    hardTimeout,
                    importance,
                    outPort,
                    outGroup,
                    Set.copyOf(flags),
                    actions);
        }
    }
}
