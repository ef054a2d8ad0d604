package io.turnstile.appctl;

import io.turnstile.conntrack.fragment.FragmentFamily;
import io.turnstile.conntrack.fragment.FragmentReassembler;
import io.turnstile.conntrack.fragment.FragmentStatus;
import io.turnstile.conntrack.fragment.IncompleteDatagram;
import io.turnstile.control.Command;
import io.turnstile.control.CommandReply;
import java.util.List;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** {@code dpctl/ipf-…}: how fragments are held for tracking, as ovs-vswitchd(8) has it. */
final class FragmentCommands {
    private final FragmentReassembler fragments;
    private final Supplier<String> datapath;

    /** @param datapath its present name, type included: these commands know it by no other */
    FragmentCommands(FragmentReassembler fragments, Supplier<String> datapath) {
        this.fragments = fragments;
        this.datapath = datapath;
    }

    List<Command> commands() {
        return List.of(
                Command.of("dpctl/ipf-set-enabled", "[dp] v4|v6", 1, 2, handler(3, line -> setEnabled(line, true))),
                Command.of("dpctl/ipf-set-disabled", "[dp] v4|v6", 1, 2, handler(3, line -> setEnabled(line, false))),
                Command.of("dpctl/ipf-set-min-frag", "[dp] v4|v6 minfragment", 2, 3, handler(3, this::setMinFragment)),
                Command.of("dpctl/ipf-set-max-nfrags", "[dp] maxfrags", 1, 2, handler(2, this::setMaxFragments)),
                Command.of("dpctl/ipf-get-status", "[dp]", 0, 1, handler(1, this::status)));
    }

    private Function<List<String>, CommandReply> handler(int most, Function<DpctlLine, CommandReply> command) {
        return DpctlLine.handler(most, datapath, command);
    }

    private static CommandReply notPermitted(String text) {
        return CommandReply.error("ovs-vswitchd: " + text + " (Operation not permitted)");
    }

    private CommandReply setEnabled(DpctlLine line, boolean on) {
        FragmentFamily family = family(line.fromEnd(0));
        if (family == null) {
            return DpctlLine.invalid("parameter missing: 'v4' for IPv4 or 'v6' for IPv6");
        }
        fragments.setEnabled(family, on);
        return CommandReply.ok((on ? "enabling" : "disabling") + " fragmentation reassembly successful");
    }

    private CommandReply setMinFragment(DpctlLine line) {
        FragmentFamily family = family(line.fromEnd(1));
        if (family == null) {
            return DpctlLine.invalid("parameter missing: v4 for IPv4 or v6 for IPv6");
        }
        Long bytes = DpctlLine.unsigned32(line.fromEnd(0));
        if (bytes == null) {
            return DpctlLine.invalid("parameter missing for minimum fragment size");
        }
        if (bytes < FragmentFamily.LEAST_MIN_FRAGMENT_BYTES) {
            return notPermitted("requested minimum fragment size too small; see documentation");
        }
        fragments.setMinFragmentBytes(family, bytes);
        return CommandReply.ok("setting minimum fragment size successful");
    }

    private CommandReply setMaxFragments(DpctlLine line) {
        Long most = DpctlLine.unsigned32(line.fromEnd(0));
        if (most == null) {
            return DpctlLine.invalid("parameter missing for maximum fragments");
        }
        if (most > FragmentReassembler.MOST_FRAGMENTS) {
            return notPermitted("setting maximum fragments failed");
        }
        fragments.setMaxFragments(most.intValue());
        return CommandReply.ok("setting maximum fragments successful");
    }

    private static @Nullable FragmentFamily family(String word) {
        String text = word.stripLeading();
        return text.startsWith("v4") ? FragmentFamily.IPV4 : text.startsWith("v6") ? FragmentFamily.IPV6 : null;
    }

    private CommandReply status(DpctlLine line) {
        FragmentStatus status = fragments.status();
        StringBuilder text = new StringBuilder("""
                        Fragmentation Module Status
                        ---------------------------
                        v4 enabled: %d
                        v6 enabled: %d
                        max num frags (v4/v6): %d
                        num frag: %d
                """.formatted(
                        status.ipv4().enabled() ? 1 : 0,
                        status.ipv6().enabled() ? 1 : 0,
                        status.maxFragments(),
                        status.held()));
        text.append(counts("v4", status.ipv4())).append(counts("v6", status.ipv6()));
        if (line.more()) {
            text.append("\n        Fragment Lists:\n\n");
            for (IncompleteDatagram datagram : fragments.incomplete()) {
                text.append(datagram.line()).append('\n');
            }
        }
        return CommandReply.ok(text.toString());
    }

    /**
     * The counters of a family. "Purged" are those that Open vSwitch's expiry missed for ten seconds; ours misses none.
     */
    private static String counts(String family, FragmentStatus.Family counts) {
        return """
                        min %1$s frag size: %2$d
                        %1$s frags accepted: %3$d
                        %1$s frags completed: %4$d
                        %1$s frags expired: %5$d
                        %1$s frags too small: %6$d
                        %1$s frags overlapped: %7$d
                        %1$s frags purged: 0
                """.formatted(
                        family,
                        counts.minFragmentBytes(),
                        counts.accepted(),
                        counts.completed(),
                        counts.expired(),
                        counts.tooSmall(),
                        counts.overlapped());
    }
}
