/* SPDX-License-Identifier: ISC */
/* A heading that is clicked sorts the rows by its column, numbers the largest
 * first, and the other way round when clicked again. Without this script the
 * table is as complete and no heading looks as if it could be clicked. */
"use strict";
(function () {
	const table = document.querySelector("table");
	if (!table)
		return;
	const body = table.tBodies[0];
	const heads = Array.from(table.tHead.rows[0].cells);
	const collator = new Intl.Collator("en", { numeric: true });

	function value(cell, isNumber) {
		const text = cell.dataset.v || cell.textContent;
		if (!isNumber)
			return text;
		const number = parseFloat(text.replace(/,/g, ""));
		return isNaN(number) ? -Infinity : number;
	}

	function sort(head, column) {
		const isNumber = head.dataset.k === "n";
		const before = head.getAttribute("aria-sort");
		const descending = before ? before === "ascending" : isNumber;
		const rows = Array.from(body.rows, function (row) {
			return [value(row.cells[column], isNumber), row];
		});
		rows.sort(function (a, b) {
			const order = isNumber
				? Math.sign(a[0] - b[0]) || 0
				: collator.compare(a[0], b[0]);
			return descending ? -order : order;
		});
		for (const [, row] of rows)
			body.append(row);
		for (const other of heads)
			other.removeAttribute("aria-sort");
		head.setAttribute("aria-sort", descending ? "descending" : "ascending");
	}

	heads.forEach(function (head, column) {
		const button = document.createElement("button");
		button.type = "button";
		button.append(...head.childNodes);
		button.addEventListener("click", function () { sort(head, column); });
		head.append(button);
	});
})();
