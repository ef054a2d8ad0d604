package io.turnstile.appctl;

import com.fasterxml.jackson.core.io.JsonStringEncoder;
import io.turnstile.conntrack.ConnectionFilter;
import io.turnstile.conntrack.ConnectionSnapshot;
import io.turnstile.conntrack.Conntrack;
import io.turnstile.conntrack.ConntrackDump;
import io.turnstile.conntrack.ConntrackJson;
import io.turnstile.offload.OffloadColumn;
import io.turnstile.offload.OffloadDispatcher;
import io.turnstile.offload.PathBook;
import io.turnstile.offload.ProviderConnectionState;
import io.turnstile.time.Clock;
import java.util.List;

/** {@code dpctl/dump-conntrack}, a line for each connection, in Open vSwitch's words or as a JSON object. */
final class ConnectionDump extends ConnectionWalk {
    private final OffloadDispatcher dispatcher;
    private final PathBook paths;
    private final DpctlLine line;

    /** @param line its options count */
    ConnectionDump(
            Conntrack tracker,
            Clock clock,
            ConnectionFilter filter,
            OffloadDispatcher dispatcher,
            PathBook paths,
            DpctlLine line) {
        super(tracker, clock, filter, false);
        this.dispatcher = dispatcher;
        this.paths = paths;
        this.line = line;
    }

    @Override
    void found(ConnectionSnapshot connection, StringBuilder out) {
        List<ProviderConnectionState> states =
                line.more() ? dispatcher.offloadStates(connection.connectionId) : List.of();
        List<PathBook.DirectionState> directions = line.more() ? paths.states(connection.connectionId) : List.of();
        if (line.json()) {
            out.append('{');
            ConntrackJson.append(out, connection, line.more(), line.statistics());
            appendOffload(out, states);
            PathText.appendJson(out, directions);
            out.append("}\n");
        } else {
            ConntrackDump.append(out, connection, line.more(), line.statistics());
            out.append(OffloadColumn.of(states))
                    .append(PathText.column(directions))
                    .append('\n');
        }
    }

    private static void appendOffload(StringBuilder out, List<ProviderConnectionState> states) {
        if (states.isEmpty()) {
            return;
        }
        String separator = ",\"offload\":[";
        for (ProviderConnectionState state : states) {
            out.append(separator).append("{\"provider\":\"");
            JsonStringEncoder.getInstance().quoteAsString(state.provider(), out);
            out.append("\",\"state\":\"").append(state.state());
            if (state.reason() != null) {
                out.append("\",\"reason\":\"");
                JsonStringEncoder.getInstance().quoteAsString(state.reason(), out);
            }
            out.append("\"}");
            separator = ",";
        }
        out.append(']');
    }
}
