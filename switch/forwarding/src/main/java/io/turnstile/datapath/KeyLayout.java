package io.turnstile.datapath;

import java.util.ArrayList;
import java.util.List;

/**
 * What follows from the places of all fields: how long a key is, which words the datapath has, and which word a lookup
 * looks at in which stage. A layout in which a lookup could pass over a bit, or a field write into another, cannot be
 * made.
 *
 * @param stages words by stage, each word once; within a stage those of the pipeline alone come first
 */
record KeyLayout(int words, int datapathWords, int[][] stages) {

    /**
     * Where a field stands.
     *
     * @param view shows bits of other fields together, as xreg0 does those of reg0 and reg1
     */
    record Slot(String name, int word, int shift, int widthBits, KeyLayer layer, boolean view) {

        int lastWord() {
            return widthBits > Long.SIZE ? word + 1 : word;
        }

        /** The bits that the field has in each of its words. */
        long bits() {
            return widthBits >= Long.SIZE ? -1L : (1L << widthBits) - 1 << shift;
        }
    }

    /** @throws IllegalStateException says which field or word stands wrong */
    static KeyLayout of(List<Slot> slots) {
        slots.forEach(KeyLayout::checkInsideWords);
        int words = slots.stream().mapToInt(Slot::lastWord).max().orElseThrow() + 1;
        KeyLayer[] layers = new KeyLayer[words];
        long[] taken = new long[words];
        for (Slot slot : slots) {
            if (!slot.view) {
                take(slot, layers, taken);
            }
        }
        for (Slot slot : slots) {
            if (slot.view) {
                checkShowsOthers(slot, layers, taken);
            }
        }
        int datapathWords = datapathWords(layers);
        return new KeyLayout(words, datapathWords, stages(layers, datapathWords));
    }

    private static void checkInsideWords(Slot slot) {
        boolean narrow = slot.widthBits > 0 && slot.shift >= 0 && slot.shift + slot.widthBits <= Long.SIZE;
        boolean wide = slot.widthBits == 2 * Long.SIZE && slot.shift == 0;
        require(slot.word >= 0 && (narrow || wide), slot.name + " does not lie inside its words");
    }

    private static void take(Slot slot, KeyLayer[] layers, long[] taken) {
        for (int word = slot.word; word <= slot.lastWord(); word++) {
            require((taken[word] & slot.bits()) == 0, slot.name + " overlaps another field in word " + word);
            require(
                    layers[word] == null || layers[word] == slot.layer,
                    slot.name + ": word " + word + " belongs to " + layers[word] + " already, not to " + slot.layer);
            taken[word] |= slot.bits();
            layers[word] = slot.layer;
        }
    }

    private static void checkShowsOthers(Slot view, KeyLayer[] layers, long[] taken) {
        for (int word = view.word; word <= view.lastWord(); word++) {
            require(
                    (view.bits() & ~taken[word]) == 0 && layers[word] == view.layer,
                    view.name + " shows bits of no field in word " + word);
        }
    }

    private static int datapathWords(KeyLayer[] layers) {
        int datapathWords = 0;
        while (datapathWords < layers.length && layers[datapathWords] != KeyLayer.PIPELINE) {
            require(layers[datapathWords] != null, "word " + datapathWords + " has no field");
            datapathWords++;
        }
        for (int word = datapathWords; word < layers.length; word++) {
            require(layers[word] == KeyLayer.PIPELINE, "word " + word + " stands behind those of the pipeline");
        }
        return datapathWords;
    }

    private static int[][] stages(KeyLayer[] layers, int datapathWords) {
        List<List<Integer>> stages = new ArrayList<>();
        for (KeyLayer layer : KeyLayer.values()) {
            while (stages.size() <= layer.stage()) {
                stages.add(new ArrayList<>());
            }
        }
        for (int i = 0; i < layers.length; i++) {
            int word = (datapathWords + i) % layers.length;
            stages.get(layers[word].stage()).add(word);
        }
        return stages.stream()
                .map(stage -> stage.stream().mapToInt(Integer::intValue).toArray())
                .toArray(int[][]::new);
    }

    private static void require(boolean right, String fault) {
        if (!right) {
            throw new IllegalStateException("flow key: " + fault);
        }
    }
}
