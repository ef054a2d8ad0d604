package io.turnstile.offload;

import java.util.Collection;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * A value of {@code hw-offload-priority}: names of providers, the first first. {@link #NONE} ends the list, and nobody
 * is used who does not stand before it; without it those who are not named come after the others.
 *
 * @param names distinct, in order
 * @param ends the list has a {@code none}
 */
public record PriorityList(List<String> names, boolean ends) {
    /** What comes after is not used. No provider can bear this name. */
    public static final String NONE = "none";
    /** The empty list: providers come by their own priorities. */
    public static final PriorityList EMPTY = new PriorityList(List.of(), false);

    /**
     * Reads a list.
     *
     * @param text names separated by commas or blanks; null or blank: {@link #EMPTY}
     */
    public static PriorityList parse(@Nullable String text) {
        if (text == null || text.isBlank()) {
            return EMPTY;
        }
        Set<String> names = new LinkedHashSet<>();
        for (String name : text.strip().split("[,\\s]+")) {
            if (name.equals(NONE)) {
                return new PriorityList(List.copyOf(names), true);
            }
            if (!name.isEmpty()) {
                names.add(name);
            }
        }
        return new PriorityList(List.copyOf(names), false);
    }

    /** Whether this provider is used at all. */
    public boolean admits(String provider) {
        return !ends || names.contains(provider);
    }

    /** Those that are used, in order: as named, then by their own priority, higher first, equal ones by name. */
    public List<NamedProvider> order(Collection<NamedProvider> providers) {
        Map<String, NamedProvider> byName = providers.stream()
                .collect(Collectors.toMap(
                        NamedProvider::name, provider -> provider, (first, second) -> first, LinkedHashMap::new));
        Set<NamedProvider> chosen = new LinkedHashSet<>();
        names.stream().map(byName::get).filter(Objects::nonNull).forEach(chosen::add);
        if (!ends) {
            byName.values().stream()
                    .sorted(Comparator.comparingInt(NamedProvider::priority)
                            .reversed()
                            .thenComparing(NamedProvider::name))
                    .forEach(chosen::add);
        }
        return List.copyOf(chosen);
    }

    /** Names in the list that none of these bears. */
    public List<String> unknownAmong(Collection<String> known) {
        return names.stream().filter(name -> !known.contains(name)).toList();
    }
}
