package io.turnstile.appctl;

import com.google.common.base.Splitter;
import io.turnstile.conntrack.ZoneLimits;
import io.turnstile.control.Command;
import io.turnstile.control.CommandReply;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** {@code dpctl/ct-…-limits}: how many connections a zone may hold (ovs-vswitchd(8)). */
final class ZoneLimitCommands {
    private final ZoneLimits limits;
    private final Supplier<String> datapath;

    ZoneLimitCommands(ZoneLimits limits, Supplier<String> datapath) {
        this.limits = limits;
        this.datapath = datapath;
    }

    List<Command> commands() {
        return List.of(
                Command.of(
                        "dpctl/ct-set-limits",
                        "[dp] [default=L] [zone=N,limit=L]...",
                        1,
                        Command.ANY_NUMBER,
                        DpctlLine.handler(this::set)),
                Command.of(
                        "dpctl/ct-del-limits",
                        "[dp] [default] [zone=N1[,N2]...]",
                        1,
                        3,
                        DpctlLine.handler(this::delete)),
                Command.of("dpctl/ct-get-limits", "[dp] [zone=N1[,N2]...]", 0, 2, DpctlLine.handler(this::get)));
    }

    /** Sets all limits or none: what is wrong with one keeps the others from being set, too. */
    CommandReply set(DpctlLine line) {
        List<String> words = line.arguments(datapath.get());
        if (words.isEmpty()) {
            return DpctlLine.invalid("too few arguments");
        }
        CommandReply wrong = line.wrongDatapath(Integer.MAX_VALUE, datapath.get());
        if (wrong != null) {
            return wrong;
        }
        try {
            boolean withDefault = words.getFirst().startsWith("default=");
            Integer defaultLimit = withDefault ? decimal(words.getFirst().substring(8)) : null;
            if (withDefault && defaultLimit == null) {
                throw new BadArgument("invalid default limit");
            }
            Map<Integer, Integer> byZone = new LinkedHashMap<>();
            for (String word : words.subList(withDefault ? 1 : 0, words.size())) {
                zoneAndLimit(word, byZone);
            }
            if (limits.isFromDatabase()) {
                return databaseDecides("set-zone-limit");
            }
            if (defaultLimit != null) {
                limits.setDefaultLimit(defaultLimit);
            }
            byZone.forEach(limits::set);
            return CommandReply.ok();
        } catch (BadArgument e) {
            return DpctlLine.invalid(e.getMessage());
        }
    }

    private static void zoneAndLimit(String word, Map<Integer, Integer> into) throws BadArgument {
        Integer zone = null;
        Integer limit = null;
        for (KeyValuePair field : KeyValuePair.all(word)) {
            switch (field.withValue().key()) {
                case "zone" -> zone = field.unsigned(16);
                case "limit" -> limit = field.unsigned(32);
                default -> throw new BadArgument("invalid zone limit field: " + field.key());
            }
        }
        if (zone == null || limit == null) {
            throw new BadArgument("failed to parse zone limit");
        }
        into.put(zone, limit);
    }

    private static CommandReply databaseDecides(String instead) {
        return CommandReply.error("ovs-vswitchd: the zone limits are set via database, use 'ovs-vsctl " + instead
                + " <...>' instead. (Operation not permitted)");
    }

    /** A decimal number of 32 bits, unsigned; null if it is none. */
    private static @Nullable Integer decimal(String text) {
        try {
            return Integer.parseUnsignedInt(text.stripLeading());
        } catch (NumberFormatException e) {
            return null;
        }
    }

    CommandReply delete(DpctlLine line) {
        List<String> words = line.arguments(datapath.get());
        if (words.isEmpty()) {
            return DpctlLine.invalid("too few arguments");
        }
        CommandReply wrong = line.wrongDatapath(3, datapath.get());
        if (wrong != null) {
            return wrong;
        }
        boolean withDefault = words.getFirst().equals("default");
        try {
            List<Integer> zones =
                    words.size() > (withDefault ? 1 : 0) ? zones(words.get(withDefault ? 1 : 0)) : List.of();
            if (limits.isFromDatabase()) {
                return databaseDecides("del-zone-limit");
            }
            if (withDefault) {
                limits.setDefaultLimit(0);
            }
            zones.forEach(limits::clear);
            return CommandReply.ok();
        } catch (BadArgument e) {
            return DpctlLine.invalid(e.getMessage());
        }
    }

    private static List<Integer> zones(String word) throws BadArgument {
        if (!word.startsWith("zone=")) {
            throw new BadArgument("invalid argument " + word);
        }
        List<Integer> zones = new ArrayList<>();
        for (String text : Splitter.on(',').omitEmptyStrings().split(word.substring(5))) {
            Integer zone = DpctlLine.unsigned16(text);
            if (zone == null) {
                throw new BadArgument("invalid zone");
            }
            zones.add(zone);
        }
        return zones;
    }

    CommandReply get(DpctlLine line) {
        CommandReply wrong = line.wrongDatapath(2, datapath.get());
        if (wrong != null) {
            return wrong;
        }
        List<String> words = line.arguments(datapath.get());
        try {
            StringBuilder text = new StringBuilder("default limit=").append(unsigned(limits.defaultLimit()));
            Map<Integer, Integer> own = limits.configured();
            for (int zone : words.isEmpty() ? List.copyOf(own.keySet()) : zones(words.getFirst())) {
                text.append("\nzone=").append(zone);
                text.append(",limit=").append(unsigned(own.getOrDefault(zone, limits.defaultLimit())));
                text.append(",count=").append(limits.count(zone));
            }
            return CommandReply.ok(text.toString());
        } catch (BadArgument e) {
            return DpctlLine.invalid(e.getMessage());
        }
    }

    private static String unsigned(int limit) {
        return Integer.toUnsignedString(limit);
    }
}
