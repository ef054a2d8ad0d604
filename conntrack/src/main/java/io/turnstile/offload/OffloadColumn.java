package io.turnstile.offload;

import java.util.List;
import java.util.StringJoiner;

/** What offload adds to a connection's line of {@code dpctl/dump-conntrack -m}. */
public final class OffloadColumn {
    private OffloadColumn() {}

    /**
     * {@code ,offload=(dummy:established,card:declined(alg control connection))}; empty if there is no provider.
     * Reasons are the providers' words: line ends and other control characters in them become blanks.
     */
    public static String of(List<ProviderConnectionState> states) {
        if (states.isEmpty()) {
            return "";
        }
        StringJoiner column = new StringJoiner(",", ",offload=(", ")");
        states.forEach(state -> column.add(state.toString()));
        return column.toString().replaceAll("\\p{Cntrl}", " ");
    }
}
