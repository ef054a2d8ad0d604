package io.turnstile.appctl;

import io.turnstile.conntrack.ConntrackControl;
import io.turnstile.conntrack.InvalidReason;
import io.turnstile.conntrack.fragment.FragmentReassembler;
import io.turnstile.conntrack.fragment.FragmentStatus;
import io.turnstile.datapath.Datapath;
import io.turnstile.datapath.DropReason;
import io.turnstile.telemetry.RareEvent;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.OptionalLong;
import java.util.function.ToLongFunction;

/**
 * How often things happened that should be rare: totals, and averages over the last 5 seconds, minute and hour, in the
 * columns of {@code coverage/show}.
 *
 * <p>Threads: any.
 */
public final class Coverage {
    public static final int SAMPLE_SECONDS = 5;
    private static final int MINUTE_SAMPLES = 60 / SAMPLE_SECONDS;
    private static final int HOUR_SAMPLES = 3600 / SAMPLE_SECONDS;

    private final List<RareEvent> events;
    /** Totals at past moments, newest first, {@link #SAMPLE_SECONDS} apart; guarded by this. */
    private final Deque<long[]> samples = new ArrayDeque<>();

    /** @param lost what was to be told and got lost */
    public Coverage(Datapath datapath, ConntrackControl tracker, List<RareEvent> lost) {
        List<RareEvent> all = new ArrayList<>();
        for (DropReason reason : DropReason.values()) {
            all.add(new RareEvent(reason.label(), () -> datapath.drops(reason)));
        }
        for (InvalidReason reason : InvalidReason.values()) {
            all.add(new RareEvent(reason.label(), () -> tracker.invalid(reason)));
        }
        FragmentReassembler fragments = datapath.fragments();
        all.add(new RareEvent("ipf_frag_malformed", () -> ofBothFamilies(fragments, FragmentStatus.Family::malformed)));
        all.add(new RareEvent(
                "ipf_frag_beyond_limit", () -> ofBothFamilies(fragments, FragmentStatus.Family::beyondLimit)));
        all.add(new RareEvent("dp_packet_batch_grow", () -> 0)); // a batch is as long as it can be from the start
        all.add(new RareEvent("conntrack_full", tracker::refusals));
        all.add(new RareEvent("conntrack_zone_full", () -> tracker.zoneLimits().refusals()));
        all.addAll(lost);
        events = List.copyOf(all);
        sample();
    }

    private static long ofBothFamilies(FragmentReassembler fragments, ToLongFunction<FragmentStatus.Family> count) {
        FragmentStatus status = fragments.status();
        return count.applyAsLong(status.ipv4()) + count.applyAsLong(status.ipv6());
    }

    /** To be called every {@link #SAMPLE_SECONDS}. */
    public synchronized void sample() {
        samples.addFirst(totals());
        if (samples.size() > HOUR_SAMPLES + 1) {
            samples.removeLast();
        }
    }

    private long[] totals() {
        return events.stream().mapToLong(event -> event.total().getAsLong()).toArray();
    }

    synchronized String text() {
        StringBuilder text = new StringBuilder(
                "Event coverage, avg rate over last: %d seconds, last minute, last hour:\n".formatted(SAMPLE_SECONDS));
        long[] totals = totals();
        int never = 0;
        for (int index = 0; index < totals.length; index++) {
            if (totals[index] == 0) {
                never++;
                continue;
            }
            text.append("%-24s %5.1f/sec %9.3f/sec %13.4f/sec   total: %d\n"
                    .formatted(
                            events.get(index).label(),
                            rate(index, 1),
                            rate(index, MINUTE_SAMPLES),
                            rate(index, HOUR_SAMPLES),
                            totals[index]));
        }
        return text.append(never).append(" events never hit\n").toString();
    }

    /** How often the event of that name has happened; empty if there is none. */
    OptionalLong total(String label) {
        return events.stream()
                .filter(event -> event.label().equals(label))
                .mapToLong(event -> event.total().getAsLong())
                .findFirst();
    }

    /** Per second, over the newest {@code intervals} samples; what was before the start counts as nothing. */
    private double rate(int index, int intervals) {
        long[][] past = samples.toArray(long[][]::new);
        long before = past[Math.min(intervals, past.length - 1)][index];
        return (past[0][index] - before) / (double) (intervals * SAMPLE_SECONDS);
    }
}
