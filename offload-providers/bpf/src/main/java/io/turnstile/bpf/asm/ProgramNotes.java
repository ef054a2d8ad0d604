package io.turnstile.bpf.asm;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** What people said about places of a program: labels and comments, by slot. */
final class ProgramNotes {
    private final TreeMap<Integer, List<String>> labels = new TreeMap<>();
    private final TreeMap<Integer, List<String>> comments = new TreeMap<>();

    void label(int slot, String name) {
        labels.computeIfAbsent(slot, key -> new ArrayList<>()).add(name);
    }

    void comment(int slot, String text) {
        comments.computeIfAbsent(slot, key -> new ArrayList<>()).add(text);
    }

    ProgramNotes copy() {
        ProgramNotes copy = new ProgramNotes();
        labels.forEach((slot, names) -> copy.labels.put(slot, List.copyOf(names)));
        comments.forEach((slot, texts) -> copy.comments.put(slot, List.copyOf(texts)));
        return copy;
    }

    List<String> labels(int slot) {
        return labels.getOrDefault(slot, List.of());
    }

    List<String> comments(int slot) {
        return comments.getOrDefault(slot, List.of());
    }

    /**
     * A place as people find it: {@code 17 (miss+2: read the tuple)}; label and comment are the last ones up to there.
     */
    String where(int slot) {
        Map.Entry<Integer, List<String>> label = labels.floorEntry(slot);
        String comment = commentAt(slot, label == null ? 0 : label.getKey());
        if (label == null) {
            return slot + (comment == null ? "" : " (" + comment + ")");
        }
        int distance = slot - label.getKey();
        String place = label.getValue().getLast() + (distance == 0 ? "" : "+" + distance);
        return slot + " (" + place + (comment == null ? "" : ": " + comment) + ")";
    }

    /** The last comment up to {@code slot}, but none from before the label that the place is called by. */
    private @Nullable String commentAt(int slot, int labelSlot) {
        Map.Entry<Integer, List<String>> comment = comments.floorEntry(slot);
        return comment == null || comment.getKey() < labelSlot
                ? null
                : comment.getValue().getLast();
    }
}
