def write_report(folder, graph, recipe, rows, result, data, predictions):
    return []
