package io.turnstile.offload;

import java.util.ArrayList;
import java.util.List;

/**
 * What is wrong with one place that providers come from: the first faults, and how many more there are. A jar can name
 * thousands of classes that it does not have.
 *
 * <p>Threads: any.
 */
final class FaultLines {
    /** The most lines before the one that counts the others. */
    static final int CAPACITY = 16;

    private final List<String> first = new ArrayList<>(); // guarded by this
    private final List<String> atAnyRate = new ArrayList<>(); // guarded by this
    private int more; // guarded by this

    synchronized void add(String line) {
        if (first.size() < CAPACITY) {
            first.add(line);
        } else {
            more++;
        }
    }

    /** Adds one that is said however many there are: there are few of its kind. */
    synchronized void addAtAnyRate(String line) {
        atAnyRate.add(line);
    }

    synchronized FaultLines copy() {
        FaultLines copy = new FaultLines();
        copy.first.addAll(first);
        copy.atAnyRate.addAll(atAnyRate);
        copy.more = more;
        return copy;
    }

    synchronized List<String> lines() {
        List<String> lines = new ArrayList<>(first);
        if (more > 0) {
            lines.add("and " + more + " more");
        }
        lines.addAll(atAnyRate);
        return lines;
    }
}
