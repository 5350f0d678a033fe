// On a narrow screen the facets start closed: the works come first.
if (matchMedia("(max-width: 899px)").matches) document.querySelector(".browse-facets").open = false;
