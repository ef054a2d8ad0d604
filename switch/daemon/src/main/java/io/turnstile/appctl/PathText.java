package io.turnstile.appctl;

import com.fasterxml.jackson.core.io.JsonStringEncoder;
import io.turnstile.offload.PathBook;
import io.turnstile.offload.PathBook.DirectionState;
import java.util.List;
import java.util.StringJoiner;
import java.util.regex.Pattern;

/**
 * How the directions of a connection stand, for people: who carries each, or why nobody does. Reasons are others'
 * words: line ends and other control characters in them become blanks.
 */
final class PathText {
    private static final Pattern CONTROL = Pattern.compile("\\p{Cntrl}");
    private static final String CARRIED = "carried";

    private PathText() {}

    /** {@code original carried by ebpf: …}, {@code reply not carried: more than one output}. */
    static String sentence(DirectionState state) {
        StringBuilder text =
                new StringBuilder().append(state.direction()).append(' ').append(state.state());
        if (!state.provider().isEmpty()) {
            text.append(state.state().equals("offered") ? " to " : " by ").append(state.provider());
        }
        String rest = detail(state);
        if (!rest.isEmpty()) {
            text.append(": ").append(rest);
        }
        return plain(text.toString());
    }

    /** A path begins with its direction, which has been said. */
    private static String detail(DirectionState state) {
        if (!state.reason().isEmpty()) {
            return state.reason();
        }
        String said = state.direction() + " ";
        return state.path().startsWith(said) ? state.path().substring(said.length()) : state.path();
    }

    /**
     * {@code ,carried=(original:ebpf,reply:no(more than one output))}; empty if nobody who carries holds the
     * connection.
     */
    static String column(List<DirectionState> states) {
        if (states.isEmpty()) {
            return "";
        }
        StringJoiner column = new StringJoiner(",", ",carried=(", ")");
        states.forEach(state -> column.add(state.direction() + ":" + word(state)));
        return plain(column.toString());
    }

    private static String word(DirectionState state) {
        String word = switch (state.state()) {
            case CARRIED -> state.provider();
            case "not carried" -> "no";
            default -> state.state();
        };
        return state.reason().isEmpty() ? word : word + "(" + state.reason() + ")";
    }

    /** {@code ,"carried":[{"direction":"original","state":"carried","provider":"ebpf","path":"…"}]}; empty likewise. */
    static void appendJson(StringBuilder out, List<DirectionState> states) {
        if (states.isEmpty()) {
            return;
        }
        String separator = ",\"carried\":[";
        for (DirectionState state : states) {
            out.append(separator);
            separator = appendMember(out, "{", "direction", state.direction().toString());
            separator = appendMember(out, separator, "state", state.state());
            separator = appendMember(out, separator, "provider", state.provider());
            separator = appendMember(out, separator, "reason", state.reason());
            appendMember(out, separator, "path", state.path());
            out.append('}');
            separator = ",";
        }
        out.append(']');
    }

    private static String appendMember(StringBuilder out, String separator, String name, String value) {
        if (value.isEmpty()) {
            return separator;
        }
        out.append(separator).append('"').append(name).append("\":\"");
        JsonStringEncoder.getInstance().quoteAsString(value, out);
        out.append('"');
        return ",";
    }

    /** The section of {@code conntrack/offload-show}; empty if nobody carries. */
    static String totals(PathBook paths) {
        if (!paths.isAsked()) {
            return "";
        }
        PathBook.Totals totals = paths.totals();
        return "paths: " + totals.carried() + " directions carried, " + totals.packets() + " packets, " + totals.bytes()
                + " bytes so far\n";
    }

    private static String plain(String text) {
        return CONTROL.matcher(text).replaceAll(" ");
    }
}
