package io.turnstile.appctl;

import io.turnstile.datapath.DatapathFlow;
import io.turnstile.datapath.FlowKey;
import io.turnstile.pipeline.flow.FlowText;
import io.turnstile.pipeline.flow.FlowTextException;
import io.turnstile.pipeline.flow.Match;
import io.turnstile.pipeline.flow.MatchMask;
import io.turnstile.port.Port;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;

/**
 * {@code filter=FLOW} of {@code dpctl/dump-flows}, in the syntax of OpenFlow flows with ports of the datapath: a flow
 * passes if what it looks at is not otherwise. What it does not look at matters to no filter.
 */
final class FlowFilter {
    static final String KEY = "filter=";

    private final Match wanted;

    private FlowFilter(Match wanted) {
        this.wanted = wanted;
    }

    /** The filter that the command's words ask for; one that all flows pass if they do not. */
    static FlowFilter in(List<String> words, Map<Integer, Port> ports) throws BadArgument {
        for (String word : words) {
            if (word.startsWith(KEY)) {
                try {
                    return new FlowFilter(
                            FlowText.parseMatch(word.substring(KEY.length()), name -> number(name, ports)));
                } catch (FlowTextException e) {
                    throw new BadArgument("Failed to parse filter (" + e.getMessage() + ")");
                }
            }
        }
        return new FlowFilter(Match.ANY);
    }

    private static OptionalInt number(String name, Map<Integer, Port> ports) {
        return ports.entrySet().stream()
                .filter(entry -> entry.getValue().name().equals(name))
                .mapToInt(Map.Entry::getKey)
                .findFirst();
    }

    boolean passes(DatapathFlow flow) {
        MatchMask mask = wanted.mask();
        for (int i = 0; i < mask.length(); i++) {
            int word = mask.wordAt(i);
            if (word < FlowKey.DATAPATH_WORDS
                    && ((flow.key()[word] ^ wanted.valueAt(i)) & mask.bitsAt(i) & flow.mask()[word]) != 0) {
                return false;
            }
        }
        return true;
    }
}
